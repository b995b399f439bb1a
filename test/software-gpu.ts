/** WebGPU without a graphics processor: SwiftShader, Vulkan in software, which Chromium brings. */
import { existsSync } from "node:fs";

const SWIFTSHADER = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];
const LOADERS = [
  "/usr/lib/x86_64-linux-gnu/libvulkan.so.1",
  "/usr/lib/aarch64-linux-gnu/libvulkan.so.1",
  "/usr/lib64/libvulkan.so.1",
  "/usr/lib/libvulkan.so.1",
];

const driver = SWIFTSHADER.find((path) => existsSync(path));

/** Whether tests can use device `webgpu` here: on a machine without a graphics processor by Debian's `chromium` and `libvulkan1`. */
export const hasSoftwareGpu = driver !== undefined && LOADERS.some((path) => existsSync(path));

// The loader reads it when the first session asks for an adapter. The same figures everywhere need the same driver everywhere.
if (hasSoftwareGpu) process.env.VK_DRIVER_FILES = driver;
