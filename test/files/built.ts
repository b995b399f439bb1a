import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Words that go before the command, and another environment. */
interface StartOptions {
  readonly command?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Compiles `src/files/<name>.ts` and what it imports, into a folder, to JavaScript that a Node.js of its own can
 * run, and returns a starter of processes: `start(code)` runs `code` as a module in which `lib` is the compiled one.
 */
export const build = (name: string, folder: string) => {
  const path = `${folder}/built`;
  const options = { rootDir: `${ROOT}src`, outDir: `${path}/out`, noEmit: false, types: ["node"] };
  mkdirSync(`${path}/out`, { recursive: true });
  symlinkSync(`${ROOT}node_modules`, `${path}/node_modules`);
  const imports = { "#platform/*": "./out/platform/node/*.js" };
  writeFileSync(`${path}/package.json`, JSON.stringify({ type: "module", imports }));
  writeFileSync(
    `${path}/tsconfig.json`,
    JSON.stringify({
      extends: `${ROOT}tsconfig.json`,
      compilerOptions: options,
      include: [],
      files: [`${ROOT}src/files/${name}.ts`],
    }),
  );
  execFileSync(`${ROOT}node_modules/.bin/tsc`, ["-p", path]);
  return (code: string, { command = [], env }: StartOptions = {}) => {
    const source = `import * as lib from ${JSON.stringify(`${path}/out/files/${name}.js`)};\n${code}`;
    const [program, ...words] = [...command, process.execPath, "--input-type=module", "--eval", source];
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], ...(env && { env }) });
    const lines: string[] = [];
    const waiting: (() => void)[] = [];
    createInterface(child.stdout).on("line", (line) => {
      lines.push(line);
      for (const wake of waiting.splice(0)) wake();
    });
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
      child.on("close", (code, signal) => {
        for (const wake of waiting.splice(0)) wake();
        resolve(code ?? signal);
      });
    });
    /** The first line that it prints. */
    const firstLine = async (): Promise<string> => {
      if (lines.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      return lines[0] ?? "";
    };
    return { child, lines, ended, firstLine };
  };
};
