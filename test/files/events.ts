/** Reads event files of TensorBoard, written from the descriptions of TFRecord and protobuf alone. */

export interface ReadEvent {
  readonly wallTime: number;
  readonly step?: number;
  readonly version?: string;
  readonly scalars: Readonly<Record<string, number>>;
}

/** Bit by bit, without a table. */
const crc = (bytes: Uint8Array): number => {
  let register = 0xffffffffn;
  for (const byte of bytes) {
    register ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++)
      register = register & 1n ? (register >> 1n) ^ 0x82f63b78n : register >> 1n;
  }
  const value = register ^ 0xffffffffn;
  return Number((((value >> 15n) | (value << 17n)) + 0xa282ead8n) & 0xffffffffn);
};

type Field = readonly [number: number, value: Uint8Array | number];

function* fields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = view.getUint8(at++);
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield [number, varint()];
    else if (wire === 1) {
      yield [number, view.getFloat64(at, true)];
      at += 8;
    } else if (wire === 5) {
      yield [number, view.getFloat32(at, true)];
      at += 4;
    } else if (wire === 2) {
      const length = varint();
      yield [number, bytes.subarray(at, at + length)];
      at += length;
    } else throw new Error(`wire type ${wire}`);
  }
}

const words = (value: Uint8Array | number): string => new TextDecoder().decode(value as Uint8Array);

/** The events of a file. @throws Error when a checksum is wrong. */
export function readEvents(bytes: Uint8Array): readonly ReadEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (crc(bytes.subarray(at, at + 8)) !== view.getUint32(at + 8, true)) throw new Error("length");
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (crc(data) !== view.getUint32(at + 12 + length, true)) throw new Error("data");
    at += 16 + length;
    const event: { -readonly [K in keyof ReadEvent]: ReadEvent[K] } = { wallTime: Number.NaN, scalars: {} };
    for (const [number, value] of fields(data)) {
      if (number === 1) event.wallTime = value as number;
      if (number === 2) event.step = value as number;
      if (number === 3) event.version = words(value);
      if (number === 5) {
        for (const [, one] of fields(value as Uint8Array)) {
          const parts = new Map(fields(one as Uint8Array));
          event.scalars = { ...event.scalars, [words(parts.get(1) ?? 0)]: parts.get(2) as number };
        }
      }
    }
    found.push(event);
  }
  return found;
}
