// Compiles kernels/ (AssemblyScript) into src/kernels/*.generated.ts, modules that contain WebAssembly binaries in hexadecimal. Does nothing for
// a file whose sources, compiler and this script are unchanged, according to the hash in its first line.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const kernels = join(root, "kernels");

// The memory planner gives out addresses from here on; below are the kernels' own data, those of one module behind those of another.
const RESERVED_BYTES = 65536;
const FLOAT32_BYTES = 32768;
const RELAXED_BYTES = 49152;

/** The files to write, and in each the constants with a module. */
const TARGETS = [
  {
    file: "wasm",
    modules: [{ constant: "WASM_HEX", entry: "index.ts", features: "simd", from: 0, to: FLOAT32_BYTES }],
  },
  {
    file: "float32",
    modules: [
      {
        constant: "FLOAT32_HEX",
        entry: "float32/index.ts",
        features: "simd",
        from: FLOAT32_BYTES,
        to: RELAXED_BYTES,
      },
      {
        constant: "RELAXED_HEX",
        entry: "float32/relaxed.ts",
        features: "simd,relaxed-simd",
        from: RELAXED_BYTES,
        to: RESERVED_BYTES,
      },
    ],
  },
];

const sources = (await readdir(kernels, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
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
const firstLine = `// sources: ${hash.digest("hex")}\n`;

for (const { file, modules } of TARGETS) {
  const target = join(root, "src", "kernels", `${file}.generated.ts`);
  const existing = await readFile(target, "utf8").catch(() => "");
  if (existing.startsWith(firstLine)) continue;
  const constants = [];
  for (const module of modules) {
    // A quarter longer than base64, and a quarter shorter once it is compressed: bytes that repeat look the same wherever they are.
    const hex = (await compile(module)).toString("hex");
    constants.push(
      `/** A WebAssembly module, in hexadecimal. */\nexport const ${module.constant} =\n  "${hex}";\n`,
    );
  }
  await mkdir(join(root, "src", "kernels"), { recursive: true });
  // Write a temporary file and rename it, so that a test running at the same time never sees half a file.
  const temporary = `${target}.${process.pid}`;
  await writeFile(
    temporary,
    `${firstLine}// Generated from kernels/ by scripts/build-kernels.mjs; do not edit.\n${constants.join("\n")}`,
  );
  await rename(temporary, target);
}

async function compile({ entry, features, from, to }) {
  const { default: asc } = await import("assemblyscript/asc");
  let binary;
  const { error, stderr } = await asc.main(
    [
      entry,
      ...["--baseDir", kernels, "--outFile", "kernels.wasm", "--runtime", "stub", "--enable", features],
      // Of all sizes, "s" costs the kernels at most a few percent of their time, and is a page 4.5 KiB lighter than without.
      ...["-O3s", "--noAssert", "--importMemory", "--use", "abort="],
      ...(from > 0 ? ["--memoryBase", String(from)] : []),
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
  // A Node without relaxed instructions cannot look: a newer one does.
  if (WebAssembly.validate(binary)) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
    const end = instance.exports.dataEnd();
    if (end > to) throw new Error(`the data of ${entry} end at ${end}, past ${to}`);
  }
  return Buffer.from(binary);
}
