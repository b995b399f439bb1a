// `npm run docs`: the reference from the docstrings, then the site, into docs/.vitepress/dist. `--no-reference` leaves the first out.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const docs = join(import.meta.dirname, "..");
const require = createRequire(join(docs, "package.json"));

/** The file that a package runs as its program. */
const program = (name, path) => join(dirname(require.resolve(`${name}/package.json`)), path);

const flags = process.argv.slice(2);
const withReference = !flags.includes("--no-reference");

/** The site leaves `api/` out, also where an earlier build has left it behind. */
const env = withReference ? process.env : { ...process.env, DOCS_REFERENCE: "none" };

function run(file, args) {
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: docs, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const outDir = flags.find((flag) => flag.startsWith("--out="))?.slice("--out=".length);
if (withReference) {
  rmSync(join(docs, "api"), { recursive: true, force: true });
  // A name without a docstring is what `reference.test.ts` is for; the site is built all the same.
  run(program("typedoc", "bin/typedoc"), ["--treatValidationWarningsAsErrors", "false"]);
  run(join(docs, "scripts", "reference.mjs"), []);
  run(join(docs, "..", "node_modules", "typescript", "bin", "tsc"), ["-p", "../tsconfig.build.json"]);
  run(join(docs, "scripts", "command-line.mjs"), []);
  run(join(docs, "scripts", "settings.mjs"), []);
}
// Pages that compute have the library as it is published, because it starts workers by the names that its scripts have then.
const library = join(docs, ".vitepress", "cache", "library");
const tsc = join(docs, "..", "node_modules", "typescript", "bin", "tsc");
run(tsc, ["-p", "../tsconfig.build.json", "--declaration", "false", "--outDir", library]);
run(join(docs, "scripts", "digits.mjs"), []);
run(program("vitepress", "bin/vitepress.js"), [
  "build",
  ".",
  ...(outDir === undefined ? [] : ["--outDir", outDir]),
]);
