import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const bench = new URL("../", import.meta.url);
const changed = (file) => statSync(new URL(file, bench), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Installs the JavaScript peers if they are missing or out of date; returns the reason if that fails, else undefined. */
export const installPeers = () => {
  if (changed("node_modules/.package-lock.json") >= changed("package-lock.json")) return undefined;
  console.log("installing the JavaScript peers (npm ci in bench/) ...");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const { status, error, stderr } = spawnSync(npm, ["ci", "--no-audit", "--no-fund"], {
    cwd: fileURLToPath(bench),
    encoding: "utf8",
    timeout: 300_000,
  });
  if (status === 0) return undefined;
  const said = error?.message ?? stderr.split("\n").find((line) => /^npm (error|ERR!)/.test(line));
  return `npm ci in bench/ failed (${said ?? "no reason given"}); it needs the npm registry`;
};
