// Compiles kernels/*.ts (AssemblyScript) into src/kernels/wasm.generated.ts, a module that contains the WebAssembly
// binary as a base64 string. Does nothing if the sources, the compiler and this script are unchanged, according to
// the hash in the generated file's first line.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const kernels = join(root, "kernels");
const target = join(root, "src", "kernels", "wasm.generated.ts");

// The memory planner gives out addresses from here on; below are the kernels' own data.
const RESERVED_BYTES = 65536;

const sources = (await readdir(kernels)).filter((name) => name.endsWith(".ts")).sort();
const hash = createHash("sha256");
for (const file of [
  fileURLToPath(import.meta.url),
  join(root, "node_modules", "assemblyscript", "package.json"),
  ...sources.map((name) => join(kernels, name)),
]) {
  hash
    .update(file.slice(root.length))
    .update("\0")
    .update(await readFile(file))
    .update("\0");
}
const digest = hash.digest("hex");
const firstLine = `// sources: ${digest}\n`;

const existing = await readFile(target, "utf8").catch(() => "");
if (!existing.startsWith(firstLine)) await compile();

async function compile() {
  const { default: asc } = await import("assemblyscript/asc");
  let binary;
  const { error, stderr } = await asc.main(
    [
      "index.ts",
      ...["--baseDir", kernels, "--outFile", "kernels.wasm", "--runtime", "stub", "--enable", "simd"],
      // Of all sizes, "s" costs the kernels at most a few percent of their time, and is a page 4.5 KiB lighter than without.
      ...["-O3s", "--noAssert", "--importMemory", "--use", "abort="],
    ],
    {
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm")) binary = contents;
      },
    },
  );
  if (error || !binary) {
    process.stderr.write(stderr.toString());
    throw new Error("the kernels did not compile");
  }
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
  const end = instance.exports.dataEnd();
  if (end > RESERVED_BYTES) throw new Error(`the kernels' own data ends at ${end}, past ${RESERVED_BYTES}`);

  const base64 = Buffer.from(binary).toString("base64");
  await mkdir(join(root, "src", "kernels"), { recursive: true });
  // Write a temporary file and rename it, so that a test running at the same time never sees half a file.
  const temporary = `${target}.${process.pid}`;
  await writeFile(
    temporary,
    `${firstLine}// Generated from kernels/*.ts by scripts/build-kernels.mjs; do not edit.\n` +
      "/** The WebAssembly module, base64. */\n" +
      `export const WASM_BASE64 =\n  "${base64}";\n`,
  );
  await rename(temporary, target);
}
