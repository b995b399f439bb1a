import { describe, expect, test } from "vitest";
import { CheckpointError, UsageError } from "../../src/errors.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../src/files/safetensors.ts";

/** A file as the format's documentation has it: length of the header, header, data. */
const file = (header: unknown, data: readonly number[] = []): Uint8Array => {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from(data)]);
};

const headerOf = (bytes: Uint8Array): Record<string, unknown> =>
  JSON.parse(Buffer.from(bytes.subarray(8, 8 + Number(Buffer.from(bytes).readBigUInt64LE()))).toString());

const ALL: readonly StoredTensor[] = [
  { name: "flags", shape: [3], dtype: "BOOL", data: Uint8Array.of(1, 0, 1) },
  { name: "ä/weight", shape: [2, 2], dtype: "F32", data: Float32Array.of(1.5, Number.NaN, -0, 3e38) },
  { name: "bytes", shape: [1], dtype: "U8", data: Uint8Array.of(255) },
  { name: "doubles", shape: [1, 2], dtype: "F64", data: Float64Array.of(0.1, -2) },
  { name: "ints", shape: [1], dtype: "I32", data: Int32Array.of(-7) },
  { name: "longs", shape: [1], dtype: "I64", data: BigInt64Array.of(-(2n ** 60n)) },
  { name: "scalar", shape: [], dtype: "F32", data: Float32Array.of(9) },
  { name: "none", shape: [0, 4], dtype: "F32", data: new Float32Array(0) },
  { name: "__proto__", shape: [1], dtype: "I32", data: Int32Array.of(3) },
];

describe("encodeSafetensors", () => {
  test("lays the file out as the format says", () => {
    // https://huggingface.co/docs/safetensors: u64 little-endian N, N bytes of JSON that begin with "{" and may
    // end in spaces, then the data, whose offsets count from the end of the header.
    const bytes = encodeSafetensors(
      [
        { name: "b", shape: [1], dtype: "U8", data: Uint8Array.of(7) },
        { name: "a", shape: [2], dtype: "F32", data: Float32Array.of(1, -2) },
      ],
      { note: "x" },
    );
    const { __metadata__, ...tensors } = headerOf(bytes);
    expect(tensors).toEqual({
      a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
      b: { dtype: "U8", shape: [1], data_offsets: [8, 9] },
    });
    expect(__metadata__).toMatchObject({ note: "x", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(bytes[8]).toBe("{".charCodeAt(0));
    // 1 and -2 as IEEE 754 float32: 3f800000 and c0000000.
    expect([...bytes.subarray(-9)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 7]);
  });

  test("aligns every tensor to its element size", () => {
    const bytes = encodeSafetensors(ALL, {});
    const start = 8 + Number(Buffer.from(bytes).readBigUInt64LE());
    expect(start % 8).toBe(0);
    const { __metadata__, ...tensors } = headerOf(bytes);
    const sizes: Record<string, number> = { F64: 8, I64: 8, F32: 4, I32: 4, U8: 1, BOOL: 1 };
    for (const entry of Object.values(tensors)) {
      const { dtype, data_offsets } = entry as { dtype: string; data_offsets: [number, number] };
      expect(data_offsets[0] % (sizes[dtype] ?? 0)).toBe(0);
    }
    expect(Object.keys(tensors)).toHaveLength(ALL.length);
  });

  test.each([
    [
      [ALL[0], ALL[0]],
      'safetensors: expected each tensor to have a name of its own other than "__metadata__", found "flags" again',
    ],
    [
      [{ name: "w", shape: [2, 3], dtype: "F32", data: new Float32Array(5) }],
      'safetensors: tensor "w": expected a Float32Array of 6 for F32 of shape [2, 3], found a Float32Array of 5',
    ],
    [
      [{ name: "w", shape: [1], dtype: "F64", data: new Float32Array(1) }],
      'safetensors: tensor "w": expected a Float64Array of 1 for F64 of shape [1], found a Float32Array of 1',
    ],
  ])("refuses tensors that do not fit %#", (tensors, message) => {
    expect(() => encodeSafetensors(tensors as StoredTensor[], {})).toThrow(new UsageError(message));
  });

  test("refuses the metadata keys of the checksums", () => {
    expect(() => encodeSafetensors([], { sha256: "" })).toThrow(
      new UsageError('safetensors: the metadata key "sha256" is reserved for checksums'),
    );
  });
});

describe("decodeSafetensors", () => {
  test("gives back what was encoded, bit for bit, at any alignment of the bytes", () => {
    const bytes = encodeSafetensors(ALL, { step: "3", "": "ü" });
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    for (const copy of [bytes, shifted]) {
      const { tensors, metadata } = decodeSafetensors(copy, "f");
      expect(metadata).toEqual({ step: "3", "": "ü" });
      const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
      expect(byName.size).toBe(ALL.length);
      for (const tensor of ALL) expect(byName.get(tensor.name)).toEqual(tensor);
    }
  });

  test("reads the file of another writer, without checksums", () => {
    const header = '{"t":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}   ';
    expect(decodeSafetensors(file(header, [1, 2, 0, 0]), "f")).toEqual({
      tensors: [{ name: "t", shape: [1], dtype: "I32", data: Int32Array.of(513) }],
      metadata: {},
    });
  });

  test("any one bit flipped and any cut is an error", () => {
    const bytes = encodeSafetensors(ALL.slice(0, 4), { step: "12" });
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // All of JSON's white space is two bits or more from a space, so padding is no exception.
      expect(() => decodeSafetensors(damaged, "f"), `bit ${bit}`).toThrow(CheckpointError);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length), "f")).toThrow(CheckpointError);
    }
  });

  const damagedWeight = encodeSafetensors(
    [
      { name: "a", shape: [2], dtype: "F32", data: Float32Array.of(1, 2) },
      { name: "b", shape: [1], dtype: "F32", data: Float32Array.of(3) },
    ],
    {},
  );
  damagedWeight[damagedWeight.length - 1] = 0;

  test("names the tensor whose data are damaged", () => {
    // printf '\x00\x00\x40\x40' | sha256sum, and with 00 for the last byte
    expect(() => decodeSafetensors(damagedWeight, "run/c.safetensors")).toThrow(
      new CheckpointError(
        'run/c.safetensors: corrupted. Tensor "b": expected data with SHA-256 ' +
          "ea2845900b5856c9bf354b1aa9761b5aa6888e5ed61738fe9579ca42bc0f6054, found " +
          "413432a2e4977ca133f00f95e74dcb2af10220ee4bcf9c47ac33ed88a7d7bffa. " +
          "The file is damaged or incomplete: use another copy or start again",
      ),
    );
  });

  test("a header whose meaning changed is corrupted", () => {
    const bytes = encodeSafetensors(ALL, { step: "12" });
    const at = Buffer.from(bytes).indexOf('"step":"12"');
    bytes[at + 8] = "2".charCodeAt(0);
    expect(() => decodeSafetensors(bytes, "f")).toThrow(
      /^f: corrupted\. The names, shapes or metadata in the header have SHA-256 [0-9a-f]{64}, but [0-9a-f]{64} was stored/,
    );
  });

  const END = "The file is damaged or incomplete: use another copy or start again";
  const F32 = (shape: readonly number[], begin: number, end: number) => ({
    dtype: "F32",
    shape,
    data_offsets: [begin, end],
  });
  test.each([
    [
      Uint8Array.of(1, 2, 3),
      "truncated. Expected a safetensors file, which begins with 8 bytes of header length; found 3 bytes. " +
        END,
    ],
    [file("{}").subarray(0, 9), `truncated. Expected a header of 2 bytes, found 1. ${END}`],
    [
      Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1"),
      'expected a safetensors file: the length of a header, at most 100000000 bytes, then the header, which begins with "{"; ' +
        // 0x0a1a0a0d474e5089, little-endian
        "found length 727905341920923785 and then byte 48",
    ],
    [
      file("[]"),
      'expected a safetensors file: the length of a header, at most 100000000 bytes, then the header, which begins with "{"; ' +
        "found length 2 and then byte 91",
    ],
    [file({ w: 3 }), `the header has 3 instead of an object for "w". ${END}`],
    [
      file('{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0077":{}}'),
      `the header names the tensor "w" twice. ${END}`,
    ],
    [file({ __metadata__: { step: 3 } }), `metadata "step": expected a string, found 3. ${END}`],
    [
      file({ w: { dtype: "BF16", shape: [1], data_offsets: [0, 2] } }, [0, 0]),
      'tensor "w": expected dtype to be one of F32, F64, I32, I64, U8, BOOL, found "BF16"',
    ],
    [
      file({ w: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }),
      'tensor "w": expected shape to be a list of whole numbers, 0 or more, found [-1]',
    ],
    [
      file({ w: { dtype: "F32", shape: [] } }),
      'tensor "w": expected data_offsets to be a list of whole numbers, 0 or more, found none',
    ],
    [
      file({ w: { dtype: "F32", shape: [0], data_offsets: [4, 0] } }),
      'tensor "w": expected data_offsets to be the positions at which the data begin and end, found [4,0]',
    ],
    [
      file({ w: F32([2, 2], 0, 12) }, Array(12).fill(0)),
      `tensor "w": expected 16 bytes for F32 of shape [2, 2], found 12 between its offsets 0 and 12. ${END}`,
    ],
    [
      file({ w: F32([1], 4, 8) }, Array(8).fill(0)),
      `tensor "w": expected its data to begin at byte 0, where the previous tensor's end; found 4. ${END}`,
    ],
    [
      file({ v: F32([2], 0, 8), w: F32([1], 4, 8) }, Array(8).fill(0)),
      `tensor "w": expected its data to begin at byte 8, where the previous tensor's end; found 4. ${END}`,
    ],
    [
      file({ v: F32([1], 0, 4), w: F32([2], 4, 12) }, Array(10).fill(0)),
      `truncated. Tensor "w": expected 8 bytes of data, found 6. ${END}`,
    ],
    [
      file({ v: F32([1], 0, 4) }, Array(5).fill(0)),
      `expected 4 bytes of data after the header, found 5. ${END}`,
    ],
  ])("refuses %#", (bytes, message) => {
    const found = (() => {
      try {
        return decodeSafetensors(bytes, "f");
      } catch (error) {
        return error;
      }
    })();
    expect(found).toEqual(new CheckpointError(`f: ${message}`));
  });

  test("a header that is not JSON, or not UTF-8", () => {
    expect(() => decodeSafetensors(file("{x"), "f")).toThrow(
      /^f: the header is not JSON in UTF-8 \(.+\)\. The file/,
    );
    const latin = Buffer.from(file('{"a":{}}'));
    latin[10] = 0xe4;
    expect(() => decodeSafetensors(latin, "f")).toThrow(
      /^f: the header is not JSON in UTF-8 \(.+\)\. The file/,
    );
  });
});
