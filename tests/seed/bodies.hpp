// The 28 tests of the seed as plain functions, so that they also run side by side in one process.
#pragma once

namespace ringfort::seed {

// bodies_lifecycle.cpp
void test_runtime_initialization();
void test_runtime_gpu_config();
void test_container_lifecycle_echo();
void test_container_stop_sigterm();
void test_wait_container_exit_code();
void test_exec_in_container();
void test_container_stats();
void test_memory_limited_container();
void test_concurrent_containers();
void test_get_logs_vector();

// bodies_profile.cpp
void test_gpu_metal_compute_profile();
void test_gpu_mps_only_profile();
void test_gpu_denied_when_runtime_disabled();
void test_network_localhost_only_profile();
void test_network_full_access_profile();
void test_volume_writable_dirs_in_profile();
void test_seatbelt_profile_structure();

// bodies_files.cpp
void test_unique_port_allocation();
void test_container_ip_is_localhost();
void test_rootfs_cloning();
void test_rootfs_cleanup_on_removal();
void test_stale_container_cleanup();

// bodies_refusals.cpp
void test_stats_fail_before_start();
void test_remove_nonexistent_is_idempotent();
void test_state_nonexistent();
void test_create_without_image_fails();
void test_start_nonexistent_fails();
void test_exec_empty_command_fails();

}  // namespace ringfort::seed
