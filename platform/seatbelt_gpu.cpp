#include "ringfort/platform/seatbelt_gpu.hpp"

#include <array>

namespace ringfort::platform {
namespace {

constexpr auto kComputeOpen = std::to_array<std::string_view>(
    {"AGXDeviceUserClient", "AGXSharedUserClient", "IOSurfaceRootUserClient",
     "IOSurfaceAcceleratorClient", "IOAccelDevice", "IOAccelDevice2", "IOAccelContext",
     "IOAccelContext2", "IOAccelSharedUserClient", "IOAccelSharedUserClient2", "IOAccelSubmitter2",
     "RootDomainUserClient"});
constexpr auto kComputeOpenClient =
    std::to_array<std::string_view>({"AGXDeviceUserClient", "AGXSharedUserClient",
                                     "IOSurfaceRootUserClient", "IOSurfaceAcceleratorClient"});
constexpr auto kComputeProperties =
    std::to_array<std::string_view>({"AGCInfo",
                                     "AGXCliqueTracingDefaults",
                                     "AGXInternalPerfCounterResourcesPath",
                                     "AGXLimitersDirName",
                                     "AGXParameterBufferMaxSize",
                                     "AGXParameterBufferMaxSizeEverMemless",
                                     "AGXParameterBufferMaxSizeNeverMemless",
                                     "AGXTraceCodeVersion",
                                     "CFBundleIdentifier",
                                     "CFBundleIdentifierKernel",
                                     "chip-id",
                                     "CommandSubmissionEnabled",
                                     "CompactVRAM",
                                     "EnableBlitLib",
                                     "gpu-core-count",
                                     "GPUConfigurationVariable",
                                     "GPUDCCDisplayable",
                                     "GPUDebugNullClientMask",
                                     "GpuDebugPolicy",
                                     "GPURawCounterBundleName",
                                     "GPURawCounterPluginClassName",
                                     "IOClass",
                                     "IOClassNameOverride",
                                     "IOGeneralInterest",
                                     "IOGLBundleName",
                                     "IOGLESBundleName",
                                     "IOGLESDefaultUseMetal",
                                     "IOGLESMetalBundleName",
                                     "IOMatchCategory",
                                     "IOMatchedAtBoot",
                                     "IONameMatch",
                                     "IONameMatched",
                                     "IOPCIMatch",
                                     "IOPersonalityPublisher",
                                     "IOPowerManagement",
                                     "IOProbeScore",
                                     "IOProviderClass",
                                     "IORegistryEntryPropertyKeys",
                                     "IOReportLegend",
                                     "IOReportLegendPublic",
                                     "IOSourceVersion",
                                     "KDebugVersion",
                                     "MetalCoalesce",
                                     "MetalPluginClassName",
                                     "MetalPluginName",
                                     "MetalStatisticsName",
                                     "MetalStatisticsScriptName",
                                     "model",
                                     "PerformanceStatistics",
                                     "Removable",
                                     "SafeEjectRequested",
                                     "SchedulerState",
                                     "SCMBuildTime",
                                     "SCMVersionNumber",
                                     "soc-generation",
                                     "SurfaceList",
                                     "vendor-id",
                                     "device-id",
                                     "class-code"});
constexpr auto kComputeServices =
    std::to_array<std::string_view>({"com.apple.MTLCompilerService", "com.apple.CARenderServer",
                                     "com.apple.PowerManagement.control", "com.apple.gpu.process",
                                     "com.apple.gpumemd.source", "com.apple.cvmsServ"});
constexpr auto kComputePreferences =
    std::to_array<std::string_view>({"com.apple.opengl", "com.apple.Metal", "com.nvidia.OpenGL"});
constexpr auto kComputeXpcPrefixes =
    std::to_array<std::string_view>({"com.apple.AGXCompilerService"});
constexpr auto kComputeLibraries = std::to_array<std::string_view>(
    {"/Library/GPUBundles", "/System/Library/Frameworks/Metal.framework",
     "/System/Library/Frameworks/MetalPerformanceShaders.framework",
     "/System/Library/Frameworks/MetalPerformanceShadersGraph.framework",
     "/System/Library/PrivateFrameworks/GPUCompiler.framework"});

constexpr auto kMpsOpen = std::to_array<std::string_view>(
    {"AGXDeviceUserClient", "AGXSharedUserClient", "IOSurfaceRootUserClient", "IOAccelDevice2",
     "IOAccelContext2", "IOAccelSharedUserClient2", "RootDomainUserClient"});
constexpr auto kMpsOpenClient =
    std::to_array<std::string_view>({"AGXDeviceUserClient", "IOSurfaceRootUserClient"});
constexpr auto kMpsProperties = std::to_array<std::string_view>(
    {"MetalPluginClassName", "MetalPluginName", "IOClass", "IOGLESDefaultUseMetal",
     "IORegistryEntryPropertyKeys", "IOSourceVersion", "GPUConfigurationVariable",
     "GPURawCounterBundleName", "gpu-core-count", "model", "vendor-id", "device-id",
     "soc-generation"});
constexpr auto kMpsServices = std::to_array<std::string_view>({"com.apple.MTLCompilerService",
                                                               "com.apple.PowerManagement.control",
                                                               "com.apple.gpumemd.source"});
constexpr auto kMpsPreferences = std::to_array<std::string_view>({"com.apple.Metal"});
constexpr auto kMpsLibraries = std::to_array<std::string_view>(
    {"/Library/GPUBundles", "/System/Library/Frameworks/Metal.framework",
     "/System/Library/Frameworks/MetalPerformanceShaders.framework",
     "/System/Library/Frameworks/MetalPerformanceShadersGraph.framework"});

constexpr SeatbeltGpu kCompute = {"GPU: Full Metal Compute", kComputeOpen,     kComputeOpenClient,
                                  kComputeProperties,        kComputeServices, kComputeXpcPrefixes,
                                  kComputePreferences,       kComputeLibraries};

constexpr SeatbeltGpu kMps = {"GPU: MPS Only", kMpsOpen, kMpsOpenClient,  kMpsProperties,
                              kMpsServices,    {},       kMpsPreferences, kMpsLibraries};

}  // namespace

const SeatbeltGpu& seatbelt_metal_compute() { return kCompute; }
const SeatbeltGpu& seatbelt_mps_only() { return kMps; }

}  // namespace ringfort::platform
