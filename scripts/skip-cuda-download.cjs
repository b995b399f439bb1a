// `preinstall` of the published package. On Linux x64 the post-install step of onnxruntime-node downloads CUDA libraries (some hundred
// megabytes) from another server than npm's, and where that cannot be reached the whole installation fails. Tightbound uses none of
// them. npm runs all preinstall steps before any postinstall step, so here is the place to say that they are not wanted: that step
// leaves alone what it finds. An empty file stands where each library would; `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild
// onnxruntime-node` puts the libraries there.
const { existsSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");

const asked =
  process.env.ONNXRUNTIME_NODE_INSTALL ??
  process.env.ONNXRUNTIME_NODE_INSTALL_CUDA ??
  process.env.npm_config_onnxruntime_node_install ??
  process.env.npm_config_onnxruntime_node_install_cuda;

// Whoever asked for libraries gets them. An installation must not fail for what it can do without, so every error is passed over.
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
