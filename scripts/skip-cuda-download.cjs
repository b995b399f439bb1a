// `preinstall` of the published package. On Linux x64 the post-install step of onnxruntime-node downloads CUDA libraries (hundreds of
// megabytes) from a server other than npm's. If that server cannot be reached, the whole installation fails. Tightbound uses none of
// these libraries. npm runs all preinstall steps before any postinstall step, so this script can prevent the download: that step
// skips files that exist, so we put an empty file in the place of each library. `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild
// onnxruntime-node` installs the libraries.
const { existsSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");

const asked =
  process.env.ONNXRUNTIME_NODE_INSTALL ??
  process.env.ONNXRUNTIME_NODE_INSTALL_CUDA ??
  process.env.npm_config_onnxruntime_node_install ??
  process.env.npm_config_onnxruntime_node_install_cuda;

// If the user asked for the libraries, do nothing. An installation must not fail for something optional, so ignore every error.
if (asked === undefined) {
  try {
    const runtime = dirname(require.resolve("onnxruntime-node/package.json"));
    const { requirements, manifests } = require(join(runtime, "script", "install-metadata.js"));
    const platform = `${process.platform}/${process.arch}`;
    for (const name of requirements[platform] ?? [])
      for (const file of Object.keys(manifests[`${platform}:${name}`] ?? {})) {
        const path = join(runtime, "bin", "napi-v6", platform, file);
        if (!existsSync(path)) writeFileSync(path, "");
      }
  } catch {}
}
