// The services that the seed's tests run.
#include "ringfort/specs/yaml_reader.hpp"
#include "stage.hpp"

namespace ringfort::seed {
namespace {

/// A service as a document of one service gives it; read, but not validated.
specs::Service service_of(const std::string& image, const std::string& entrypoint,
                          const std::string& more) {
  const std::string text =
      "version: v1\n"
      "deployment: seed\n"
      "services:\n"
      "  tested:\n"
      "    rtype: service\n"
      "    image: {name: \"" +
      image +
      "\"}\n"
      "    command: {entrypoint: " +
      entrypoint +
      "}\n"
      "    scale: {mode: fixed, replicas: 1}\n" +
      more;
  auto parsed = specs::parse_deployment(text, "seed.yaml");
  if (!parsed) {
    ADD_FAILURE() << to_string(parsed.error()) << text;
    return {};
  }
  return parsed->value.services.at("tested");
}

constexpr const char* kEndpoint = "    endpoints: [{name: dummy, protocol: tcp, port: 8080}]\n";

}  // namespace

specs::Service echo_service() {
  return service_of("macos-native/echo:latest", R"(["/bin/echo", "hello from sandbox"])",
                    kEndpoint);
}

specs::Service sleep_service(int seconds) {
  return service_of("macos-native/sleep:latest",
                    R"(["/bin/sleep", ")" + std::to_string(seconds) + "\"]", kEndpoint);
}

specs::Service gpu_service() {
  return service_of("macos-native/gpu-test:latest", R"(["/bin/echo", "gpu wanted"])",
                    std::string(kEndpoint) + "    resources: {gpu: {vendor: apple, count: 1}}\n");
}

specs::Service mps_service() {
  return service_of(
      "macos-native/mps-test:latest", R"(["/bin/echo", "mps wanted"])",
      std::string(kEndpoint) + "    resources: {gpu: {vendor: apple, count: 1, mode: mps}}\n");
}

specs::Service no_endpoints_service() {
  return service_of("macos-native/no-net:latest", R"(["/bin/echo", "no endpoints"])", "");
}

specs::Service memory_limited_service() {
  return service_of("macos-native/memlimit:latest", R"(["/bin/sleep", "30"])",
                    std::string(kEndpoint) + "    resources: {memory: \"512Mi\"}\n");
}

specs::Service volume_service() {
  return service_of("macos-native/vol-test:latest", R"(["/bin/echo", "volume wanted"])",
                    std::string(kEndpoint) +
                        "    storage: [{type: named, name: data, target: /data, size: 1Gi}]\n");
}

specs::Service missing_image_service() {
  return service_of("nonexistent-image:v99", R"(["/bin/echo", "never printed"])", kEndpoint);
}

}  // namespace ringfort::seed
