// `npm run studio-pictures`: the pictures of the studio in docs/images, taken by the test that uses the page in Chromium.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SHOWN = [
  "queue-wide-light",
  "why-wide-light",
  "map-wide-light",
  "umap-wide-light",
  "hover-wide-dark",
  "sure-table-wide-light",
  "suspects-wide-light",
  "thorough-wide-light",
  "progress-phone-dark",
];

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "tightbound-pictures-"));
const { status } = spawnSync("npx", ["vitest", "run", "test/studio/page.test.ts"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, TIGHTBOUND_PICTURES: folder },
});
if (status === 0) {
  for (const name of SHOWN)
    copyFileSync(join(folder, `studio-${name}.png`), join(root, "docs/images", `studio-${name}.png`));
}
rmSync(folder, { recursive: true });
process.exit(status ?? 1);
