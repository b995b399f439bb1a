/** Damaged files: each reader gives rows or one typed error, in time and in little memory. `npm run fuzz -- --readers` draws more. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import {
  encodeTable,
  fitTable,
  readCsv,
  readIdxImages,
  readImageFolder,
  readNpyDataset,
  readNpyLabels,
  readNpz,
  readTable,
} from "../../src/data/index.ts";
import { Beta, Binomial } from "../../src/distributions/index.ts";
import { InternalError, TightboundError } from "../../src/errors.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/files/checkpoint.ts";
import { readMetricsLog } from "../../src/files/metrics-log.ts";
import { openRun } from "../../src/files/run-folder.ts";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import { loadFit, saveFit } from "../../src/fits/index.ts";
import { nuts } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { planOf, readPlan, type Vocabulary } from "../../src/sweep/index.ts";
import { generator } from "../campaigns/random.ts";
import { bytesOf, idxBytes, npyBytes, tempFolder, workbookBytes, zipBytes } from "./temp.ts";

const CASES = Number(process.env.TIGHTBOUND_FUZZ_CASES ?? 200);
const SEED = Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1);
/** The first case: a campaign that was stopped goes on from there, and one that failed is tried alone. */
const FROM = Number(process.env.TIGHTBOUND_FUZZ_FROM ?? 0);
const ONLY = process.env.TIGHTBOUND_FUZZ_ONLY ?? "";
/** No case takes longer, in ms: of this process's own computing, or on the wall of a machine that may be busy with much else. */
const LONGEST = { computed: 10_000, wall: 500_000 };

const { path: folder } = tempFolder();

const INTERESTING = [0, 1, 0x0a, 0x0d, 0x22, 0x2c, 0x2d, 0x30, 0x39, 0x5b, 0x7b, 0x7f, 0x80, 0xfe, 0xff];

/** One to eight changes: bits and bytes, pieces cut, doubled, or put in from another sample. */
const damage = (bytes: Uint8Array, other: Uint8Array, pick: (below: number) => number): Buffer => {
  let out = Buffer.from(bytes);
  for (let left = 1 + pick(8); left > 0 && out.length > 0; left--) {
    const at = pick(out.length);
    const length = 1 + pick(Math.min(64, out.length - at));
    const piece = out.subarray(at, at + length);
    switch (pick(8)) {
      case 0:
        out[at] ^= 1 << pick(8);
        break;
      case 1:
        out[at] = pick(256);
        break;
      case 2:
        out[at] = INTERESTING[pick(INTERESTING.length)];
        break;
      case 3:
        out.fill(INTERESTING[pick(INTERESTING.length)], at, Math.min(out.length, at + 1 + pick(8)));
        break;
      case 4:
        out = out.subarray(0, at);
        break;
      case 5:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 6:
        out = Buffer.concat([out.subarray(0, at), piece, out.subarray(at)]);
        break;
      default: {
        const from = pick(other.length);
        out = Buffer.concat([out.subarray(0, at), other.subarray(from, from + length), out.subarray(at)]);
      }
    }
  }
  return out;
};

/** The checksums of a PNG's chunks made right again, so that the damage gets past them. */
const withChecksums = (png: Buffer): Buffer => {
  for (let at = 8; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > png.length) break;
    png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return png;
};

interface Reader {
  readonly samples: () => Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** The file's name in a folder of its own. */
  readonly name: string;
  readonly read: (file: string, folder: string) => unknown;
  readonly mend?: (bytes: Buffer) => Buffer;
  /** One of so many cases is tried: each starts a thread. */
  readonly oneOf?: number;
}

const text = (...lines: readonly string[]): Uint8Array => Buffer.from(`${lines.join("\n")}\n`);
const words = text(
  "name,weight,island,date",
  ...Array.from({ length: 30 }, (_, i) => `n${i % 3},${i * 1.5},"a, b",`),
);
const numbers = text("a;b;c", ...Array.from({ length: 30 }, (_, i) => `${i};${-i / 3};1e${i % 5}`));

const parquet = (codec: "SNAPPY" | "UNCOMPRESSED"): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      codec,
      columnData: [
        { name: "n", data: Array.from({ length: 40 }, (_, i) => i / 3), type: "DOUBLE" },
        { name: "i", data: Array.from({ length: 40 }, (_, i) => i * i), type: "INT32" },
        { name: "w", data: Array.from({ length: 40 }, (_, i) => ["a", "b", null][i % 3]), type: "STRING" },
      ],
    }),
  );

const picture = async (format: "png" | "jpeg" | "webp" | "gif" | "tiff" | "avif"): Promise<Uint8Array> =>
  sharp(Buffer.from(Array.from({ length: 24 * 24 * 3 }, (_, i) => (i * 7) % 256)), {
    raw: { width: 24, height: 24, channels: 3 },
  })
    .toFormat(format)
    .toBuffer();

const pictures = (format: Parameters<typeof picture>[0]): Reader => ({
  samples: async () => [await picture(format)],
  name: `a.${format}`,
  read: (_, inside) => readImageFolder(inside),
});

const checkpointSamples = (): readonly Uint8Array[] => {
  const metadata = {
    format: "tightbound checkpoint",
    version: "1",
    step: "3",
    epoch: "1",
    metadata: '{"seed":0}',
  };
  const tensor = { name: "w", shape: [2, 3], dtype: "F32", data: new Float32Array(6) } as const;
  return [encodeSafetensors([tensor, { ...tensor, name: "v" }], metadata)];
};

const coin = model(({ sample, observe }) => {
  observe("heads", Binomial(10, { probs: sample("p", Beta(2, 2)) }), 7);
});
const fitSamples = async (): Promise<readonly Uint8Array[]> => {
  const file = join(folder, "sample.safetensors");
  await saveFit(file, await nuts(coin).run([], { draws: 10, warmUp: 20, chains: 2, executor: "host" }));
  return [readFileSync(file)];
};

const vocabulary: Vocabulary = {
  models: ["vae"],
  names: ["data", "epochs", "lr", "hidden"],
  isSwitch: () => false,
  problem: () => undefined,
};

/** Of a file whose checksums are gone: other programs write none. */
const withoutSums = (bytes: Buffer): Buffer => {
  const at = bytes.indexOf('"sha256');
  return at < 0 ? bytes : Buffer.from(bytes.toString("latin1").replaceAll('"sha256', '"xha256'), "latin1");
};

const config = text(
  JSON.stringify({
    format: "tightbound run",
    version: "0.1.0",
    model: { latent: 2, hidden: [3, 4] },
    data: { columns: ["a", "b"] },
  }),
);
const schema = z.object({
  version: z.string(),
  model: z.object({ latent: z.int(), hidden: z.array(z.int()) }),
  data: z.object({ columns: z.array(z.string()) }),
});

const READERS: Readonly<Record<string, Reader>> = {
  "tables of words": {
    samples: () => [words, numbers, gzipSync(words), Buffer.from(words.toString(), "utf16le")],
    name: "t.csv",
    read: async (file) => {
      const table = await readTable(file);
      encodeTable(table, fitTable(table).preprocessing);
    },
  },
  "tables of numbers": {
    samples: () => [numbers, words, gzipSync(numbers)],
    name: "t.csv",
    read: (file) => readCsv(file),
  },
  "tables with tabs": {
    samples: () => [words, numbers].map((table) => Buffer.from(table.toString().replaceAll(/[,;]/g, "\t"))),
    name: "t.tsv",
    read: async (file) => {
      const table = await readTable(file);
      encodeTable(table, fitTable(table).preprocessing);
    },
  },
  "gzip around tables": {
    samples: () => [
      gzipSync(words),
      gzipSync(words, { level: 0 }),
      Buffer.concat([gzipSync(words), gzipSync(words)]),
    ],
    name: "t.csv.gz",
    read: (file) => readTable(file),
  },
  "gzip around IDX": {
    samples: () => [gzipSync(idxBytes(8, [3, 2, 2], new Uint8Array(12)))],
    name: "x-idx3-ubyte.gz",
    read: (file) => readIdxImages(file),
  },
  "JSON lines": {
    samples: () => [
      text(...Array.from({ length: 20 }, (_, i) => `{"n":${i},"w":"a${i % 3}","t":true,"gap":null}`)),
      text(`[${Array.from({ length: 20 }, (_, i) => `{"n":${i},"w":"a${i % 3}"}`).join(",\n")}]`),
    ],
    name: "t.jsonl",
    read: async (file) => {
      const table = await readTable(file);
      encodeTable(table, fitTable(table).preprocessing);
    },
  },
  Parquet: {
    oneOf: 10,
    samples: () => [parquet("SNAPPY"), parquet("UNCOMPRESSED")],
    name: "t.parquet",
    read: async (file) => {
      const table = await readTable(file);
      encodeTable(table, fitTable(table).preprocessing);
    },
  },
  "sheets of workbooks": {
    oneOf: 10,
    samples: () => [
      text(
        ...Array.from(
          { length: 20 },
          (_, i) =>
            `<row r="${i + 1}"><c r="A${i + 1}"><v>${i / 3}</v></c><c r="B${i + 1}" t="inlineStr"><is><t>w${i % 3}</t></is></c>` +
            `<c r="C${i + 1}" t="b"><v>${i % 2}</v></c><c r="D${i + 1}"><f>A${i + 1}*2</f><v>${i}</v></c></row>`,
        ),
      ),
    ],
    name: "t.xlsx",
    read: async (file) => {
      const table = await readTable(file);
      encodeTable(table, fitTable(table).preprocessing);
    },
    mend: (rows) => Buffer.from(workbookBytes(rows)),
  },
  ".npz": {
    samples: () =>
      [false, true].map((packed) =>
        zipBytes(
          {
            "x.npy": npyBytes("<f4", "(5, 3)", bytesOf(Float32Array.from({ length: 15 }, (_, i) => i / 7))),
            "y.npy": npyBytes("|S2", "(5,)", Buffer.from("abcdabcdef")),
          },
          packed,
        ),
      ),
    name: "t.npz",
    read: (file) => readNpz(file),
  },
  "labels as words": {
    samples: () => [
      npyBytes("<U2", "(4,)", bytesOf(Uint32Array.of(97, 98, 99, 0, 97, 98, 0, 0))),
      npyBytes("|S2", "(4,)", Buffer.from("abcdabef")),
    ],
    name: "t.npy",
    read: (file) => readNpyLabels(file),
  },
  ".npy": {
    samples: () => [
      npyBytes("<f4", "(4, 3)", bytesOf(new Float32Array(12))),
      npyBytes(">i2", "(2, 2, 2)", new Uint8Array(16), true),
      npyBytes("|u1", "(2, 3, 3)", new Uint8Array(18)),
    ],
    name: "x.npy",
    read: (file) => readNpyDataset(file),
  },
  IDX: {
    samples: () => [idxBytes(8, [3, 2, 2], new Uint8Array(12)), idxBytes(0x0d, [2, 2], new Uint8Array(16))],
    name: "x-idx3-ubyte",
    read: (file) => readIdxImages(file),
  },
  PNG: { ...pictures("png"), mend: withChecksums },
  JPEG: pictures("jpeg"),
  WebP: pictures("webp"),
  GIF: pictures("gif"),
  TIFF: pictures("tiff"),
  AVIF: pictures("avif"),
  checkpoints: {
    samples: checkpointSamples,
    name: "checkpoint.safetensors",
    read: (file) => loadCheckpoint(file),
    mend: withoutSums,
  },
  fits: {
    samples: fitSamples,
    name: "fit.safetensors",
    read: (file) => loadFit(file, nuts(coin), []),
    mend: withoutSums,
  },
  plans: {
    samples: () => [
      text(
        "model: vae",
        "data: mnist",
        "epochs: 10",
        "grid:",
        "  lr: [1e-3, 3e-3]",
        "  hidden: [400, [600, 600]]",
        "seeds: 0..4",
        "out: &out runs/sweep",
      ),
    ],
    name: "plan.yaml",
    read: (file) => planOf(readPlan(file, vocabulary, []), vocabulary),
  },
  metrics: {
    samples: () => [text(...[1, 2, 3].map((epoch) => `{"epoch":${epoch},"train":{"elbo":-1.5,"x":null}}`))],
    name: "metrics.jsonl",
    read: (file) => readMetricsLog(file),
  },
  settings: { samples: () => [config], name: "config.json", read: (_, inside) => openRun(inside, schema) },
};

let peak = 0;
afterAll(() => {
  if (CASES > 1000) console.log(`peak memory: ${Math.round(peak / 1024)} MiB`);
});

const chosen = Object.entries(READERS).filter(([title]) => title.includes(ONLY));

test.each(chosen)(
  "%s",
  async (title, { samples, name, read, mend, oneOf = 1 }) => {
    const cases = CASES / oneOf;
    const made = await samples();
    const inside = join(folder, title.replaceAll(/\W+/g, "-"));
    mkdirSync(inside);
    const file = join(inside, name);
    let refused = 0;
    for (let i = FROM; i < FROM + cases; i++) {
      if (CASES > 1000 && (i - FROM) % 5000 === 0 && i > FROM) console.log(`${title}: up to case ${i}`);
      // A case depends on its number alone.
      const pick = generator(1_000_003 * SEED + 7919 * title.length + i);
      const sample = made[i % made.length];
      const bytes = damage(sample, made[pick(made.length)], pick);
      const damaged = mend !== undefined && pick(2) === 0 ? mend(bytes) : bytes;
      writeFileSync(file, damaged);
      const [started, used] = [performance.now(), process.cpuUsage()];
      let wrong: unknown;
      try {
        await read(file, inside);
      } catch (error) {
        refused++;
        if (!(error instanceof TightboundError) || error instanceof InternalError) wrong = error;
      }
      const wall = performance.now() - started;
      const { user, system } = process.cpuUsage(used);
      const computed = (user + system) / 1000;
      if (wall > LONGEST.wall || computed > LONGEST.computed)
        wrong ??= `${Math.round(wall)} ms, of which it computed ${Math.round(computed)}`;
      if (wrong !== undefined) {
        const kept = join("/tmp", `damaged-${title.replaceAll(/\W+/g, "-")}-${SEED}-${i}`);
        writeFileSync(kept, damaged);
        throw new Error(`case ${i} of seed ${SEED}, kept as ${kept}: ${wrong}`, { cause: wrong });
      }
    }
    rmSync(inside, { recursive: true });
    peak = Math.max(peak, process.resourceUsage().maxRSS);
    expect(peak).toBeLessThan(2 ** 20);
    // The damage is real, and not all of it is fatal: a letter of a word may be another.
    expect(refused).toBeGreaterThan(cases / 10);
  },
  CASES * 1000,
);

test.each([
  ["{".repeat(9).concat('"a":'.repeat(2)), "config.json"],
  [`{"format":"tightbound run","version":"1","model":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, "config.json"],
  [`{"epoch":1,"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}\n`, "metrics.jsonl"],
  [`{"epoch":1,"a":${"[".repeat(3000)}1${"]".repeat(3000)}}\n`, "metrics.jsonl"],
])("values of many levels are refused in words: %#", (content, name) => {
  const inside = join(folder, `deep-${Math.random()}`);
  mkdirSync(inside);
  writeFileSync(join(inside, name), content);
  const read = () => (name === "config.json" ? openRun(inside, schema) : readMetricsLog(join(inside, name)));
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(TightboundError);
  }
});

test.each([1e5, 3e6])("a checkpoint whose header has %d levels", (levels) => {
  const deep = `{"w":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const inner = `{"w":{"dtype":${"[".repeat(levels)}${"]".repeat(levels)},"shape":[1],"data_offsets":[0,4]}}`;
  for (const header of [deep, inner]) {
    const file = join(folder, "deep.safetensors");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(file, Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]));
    expect(() => loadCheckpoint(file)).toThrow(TightboundError);
  }
});

test("what was damaged is what is written: the samples themselves are read", async () => {
  for (const [title, { samples, name, read, mend }] of Object.entries(READERS)) {
    const inside = join(folder, `whole-${title.replaceAll(/\W+/g, "-")}`);
    mkdirSync(inside);
    for (const sample of await samples()) {
      if (title === "tables of numbers" && sample === words) continue;
      writeFileSync(join(inside, name), mend?.(Buffer.from(sample)) ?? sample);
      await read(join(inside, name), inside);
    }
  }
  saveCheckpoint(join(folder, "c"), { tensors: [], buffers: [], step: 0, epoch: 0, metadata: {} });
});
