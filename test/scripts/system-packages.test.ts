/** What the test command does where the machine lacks packages: with an apt-get of our own in the path. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";

interface Wanted {
  readonly name: string;
  readonly commands: readonly string[];
  readonly tests: string;
}
const path = "../../scripts/system-packages.mjs";
const { installMissing } = (await import(path)) as {
  installMissing(options: {
    wanted: readonly Wanted[];
    env: Readonly<Record<string, string>>;
    isRoot: boolean;
    longest?: number;
    say: (text: string) => void;
  }): readonly Wanted[];
};

const folder = mkdtempSync(join(tmpdir(), "tightbound-apt-"));
const bin = join(folder, "bin");
const log = join(folder, "log");
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  rmSync(bin, { recursive: true, force: true });
  rmSync(log, { force: true });
  mkdirSync(bin);
  // apt-get is looked for in the path of this process.
  vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
});

const wanted = ["one", "two"].map((name) => ({
  name,
  commands: [`tightbound-${name}`],
  tests: `tests of ${name}`,
}));

const apt = (script: string): void => {
  writeFileSync(join(bin, "apt-get"), `#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> ${log}\n${script}\n`);
  chmodSync(join(bin, "apt-get"), 0o755);
};

function run(options: { isRoot?: boolean; env?: Readonly<Record<string, string>>; longest?: number } = {}) {
  const said: string[] = [];
  const left = installMissing({
    wanted,
    isRoot: true,
    ...options,
    env: { PATH: bin, ...options.env },
    say: (text) => said.push(text),
  });
  return { left: left.map(({ name }) => name), said: said.join("\n") };
}

test("what is missing is installed, without a question", () => {
  apt(
    `case "$*" in *install*) for n in one two; do touch ${bin}/tightbound-$n; chmod +x ${bin}/tightbound-$n; done;; esac`,
  );
  expect(run().left).toEqual([]);
  expect(readFileSync(log, "utf8")).toMatch(
    /^noninteractive .* update\nnoninteractive .*install -y --no-install-recommends one two\n$/,
  );
  rmSync(log);
  expect(run()).toEqual({ left: [], said: "" });
  expect(existsSync(log)).toBe(false);
});

test("a package that cannot be had leaves the others, and its tests are said to be skipped", () => {
  apt(
    `case "$*" in *install*two*) echo "E: Unable to locate package two" >&2; exit 100;; *install*) touch ${bin}/tightbound-one; chmod +x ${bin}/tightbound-one;; esac`,
  );
  const { left, said } = run();
  expect(left).toEqual(["two"]);
  expect(said).toContain("skipped: tests of two, because two is not installed");
  expect(said).toContain("Not installed: E: Unable to locate package two. To run them: apt-get install two");
});

test("an apt that hangs is ended", () => {
  apt("exec sleep 60");
  const since = Date.now();
  expect(run({ longest: 300 }).said).toContain("did not end within");
  expect(Date.now() - since).toBeLessThan(10_000);
});

test("without root, without apt-get, or when asked not to, nothing is installed, and it is said", () => {
  expect(run().said).toContain("Not installed: there is no apt-get. To run them: apt-get install one two");
  apt("exit 1");
  expect(run({ isRoot: false }).said).toContain("only root may install packages");
  expect(run({ env: { TIGHTBOUND_NO_INSTALL: "1" } }).said).toContain("TIGHTBOUND_NO_INSTALL is set");
  expect(existsSync(log)).toBe(false);
});
