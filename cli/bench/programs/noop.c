// The program whose life is measured: it does nothing and ends well.
int main(void) { return 0; }
