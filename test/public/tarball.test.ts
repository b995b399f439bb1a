/**
 * The package as its users get it: packed, installed by plain `npm install` into an empty project without our `.npmrc`, compiled against
 * by an old and a new TypeScript with every declaration checked, and runs, and run.
 */
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "tightbound-tarball-"));
const packed = join(folder, "packed");
const project = join(folder, "project");
const { version, files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  files: string[];
};

/** Without what `npm test` hands down of this project: its folder, and that scripts are not run. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_(package|lifecycle|config_(local_prefix|ignore_scripts|workspace))|^ONNXRUNTIME_NODE/i.test(
        name,
      ),
  ),
);
const run = async (cwd: string, program: string, ...words: string[]): Promise<string> => {
  try {
    return (await promisify(execFile)(program, words, { cwd, env, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${words.join(" ")}\n${stdout}${stderr}`, { cause: error });
  }
};

const newest = join(root, "node_modules", "typescript", "bin", "tsc");
const oldest = join(project, "node_modules", "typescript", "bin", "tsc");

beforeAll(async () => {
  // As `npm run build` and `npm pack` make it, but from this moment's sources and in a folder of its own.
  mkdirSync(packed);
  mkdirSync(project);
  await run(root, process.execPath, newest, "-p", "tsconfig.build.json", "--outDir", join(packed, "dist"));
  for (const file of ["package.json", "README.md", "LICENSE", ...files.filter((file) => file !== "dist")])
    cpSync(join(root, file), join(packed, file));
  await run(packed, "npm", "pack", "--ignore-scripts", "--pack-destination", folder);
  writeFileSync(join(project, "package.json"), '{ "name": "consumer", "private": true, "type": "module" }');
  const tarball = join(folder, `tightbound-${version}.tgz`);
  await run(
    project,
    "npm",
    "install",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    tarball,
    "typescript@~5.4.5",
  );
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the package holds what is built, and no source, test or document", () => {
  const installed = join(project, "node_modules", "tightbound");
  expect(readdirSync(installed).sort()).toEqual(["LICENSE", "README.md", "dist", "package.json", "scripts"]);
  const kinds = new Set(
    readdirSync(join(installed, "dist"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => /(\.d\.ts|\.js)$/.exec(name)?.[0] ?? name),
  );
  expect([...kinds].sort()).toEqual([".d.ts", ".js"]);
});

test.runIf(process.platform === "linux" && process.arch === "x64")(
  "the scripts of the installation ran, and none downloaded what is not used",
  () => {
    const libraries = join(project, "node_modules", "onnxruntime-node", "bin", "napi-v6", "linux", "x64");
    expect(existsSync(join(libraries, "libonnxruntime_providers_cuda.so"))).toBe(true);
    expect(readFileSync(join(libraries, "libonnxruntime_providers_cuda.so"))).toHaveLength(0);
  },
);

/** Both ways of resolving modules by both compilers, each of which reads optional properties both ways. */
const projects = [
  { name: "5.4, nodenext, exact", tsc: oldest, resolution: "nodenext", exact: true },
  { name: "5.4, bundler", tsc: oldest, resolution: "bundler", exact: false },
  { name: "newest, nodenext", tsc: newest, resolution: "nodenext", exact: false },
  { name: "newest, bundler, exact", tsc: newest, resolution: "bundler", exact: true },
];

const expected = {
  values: 2,
  draws: ["mu"],
  squares: 14,
  elbo: true,
  names: ["real", "exp", "StudentTDistribution", "zeros"],
  functions: ["function", "function", "function", "function"],
  rate: 0.1,
  refused: "UsageError",
};

test.concurrent.each(projects)(
  "$name: compiles with every declaration checked, and runs",
  async ({ name, tsc, resolution, exact }) => {
    const own = join(project, name.replaceAll(/[^a-z0-9]+/g, "-"));
    mkdirSync(own);
    cpSync(join(import.meta.dirname, "consumer.ts"), join(own, "consumer.ts"));
    writeFileSync(
      join(own, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          target: "es2022",
          // Neither "dom" nor Node's types: nothing but what the package brings.
          lib: ["es2023"],
          types: [],
          module: resolution === "nodenext" ? "nodenext" : "esnext",
          moduleResolution: resolution,
          strict: true,
          noUncheckedIndexedAccess: true,
          exactOptionalPropertyTypes: exact,
          skipLibCheck: false,
        },
        files: ["consumer.ts"],
      }),
    );
    expect(await run(own, process.execPath, tsc, "-p", ".")).toBe("");
    const print = "import('./consumer.js').then(({ result }) => console.log(JSON.stringify(result)))";
    expect(JSON.parse(await run(own, process.execPath, "-e", print))).toEqual(expected);
  },
  300_000,
);

test("the program runs", async () => {
  expect((await run(project, "npx", "tightbound", "--version")).trim()).toBe(version);
});
