/**
 * Figures of epochs in TensorBoard's format: a file of TFRecords, each an `Event` of TensorFlow's `event.proto` with scalars.
 *
 * A record is its length (uint64, little-endian), a checksum of the length, the bytes, and a checksum of the bytes. The checksum is a masked
 * CRC-32C, which neither Node nor any of our dependencies has.
 */

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { join } from "#platform/paths";
import { appendDurably, writeDurably } from "./durable-write.ts";
import type { EpochMetrics } from "./metrics-log.ts";

/** TensorBoard looks for `tfevents` in a file's name. The name is always the same, so a resumed run replaces its file. */
const FILE = "events.out.tfevents.tightbound";

/** The event file of a run's folder. */
export const eventFile = (folder: string): string => join(folder, FILE);

/** Table for CRC-32C (Castagnoli; RFC 3720), byte by byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C of bytes. */
export const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
};

const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

const record = (data: Uint8Array): Buffer => {
  const out = Buffer.alloc(16 + data.length);
  out.writeBigUInt64LE(BigInt(data.length), 0);
  out.writeUInt32LE(masked(out.subarray(0, 8)), 8);
  out.set(data, 12);
  out.writeUInt32LE(masked(data), 12 + data.length);
  return out;
};

/** An event: wall time in seconds since 1970, and its contents. */
const event = (wallTime: number, rest: (writer: BinaryWriter) => void): Buffer => {
  const writer = new BinaryWriter().tag(1, WireType.Bit64).double(wallTime);
  rest(writer);
  return record(writer.finish());
};

/** Scalars by tag: `elbo/train`, `activeUnits`. The epoch is the axis, not a figure. */
const scalarsOf = ({ epoch: _, step: __, seconds: ___, ...figures }: EpochMetrics): [string, number][] =>
  Object.entries(figures).flatMap(([name, value]): [string, number][] => {
    if (typeof value === "number") return [[name, value]];
    if (typeof value !== "object" || Array.isArray(value)) return [];
    return Object.entries(value).flatMap(([term, each]): [string, number][] =>
      typeof each === "number" ? [[`${term}/${name}`, each]] : [],
    );
  });

const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;

const epochEvent = (metrics: EpochMetrics, start: number): Buffer =>
  event(start + numberOf(metrics.seconds, metrics.epoch), (writer) => {
    writer.tag(2, WireType.Varint).int64(numberOf(metrics.step, metrics.epoch));
    writer.tag(5, WireType.LengthDelimited).fork();
    for (const [tag, value] of scalarsOf(metrics)) {
      writer.tag(1, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).string(tag).tag(2, WireType.Bit32).float(value);
      writer.join();
    }
    writer.join();
  });

/** When the run was made, in seconds since 1970. */
const startOf = (createdAt: string): number => numberOf(Date.parse(createdAt) / 1000, 0);

/**
 * Writes the whole event file of a run's folder again, with all its epochs. Wall times are `createdAt` plus the time trained, so the same
 * lines give the same file.
 *
 * @param lines the run's metrics, oldest first
 * @throws CheckpointError when it cannot be written; an old file is untouched.
 */
export const writeEvents = (folder: string, lines: readonly EpochMetrics[], createdAt: string): void => {
  const start = startOf(createdAt);
  const version = event(start, (writer) => writer.tag(3, WireType.LengthDelimited).string("brain.Event:2"));
  writeDurably(
    eventFile(folder),
    Buffer.concat([version, ...lines.map((metrics) => epochEvent(metrics, start))]),
  );
};

/** Adds an epoch to the file that {@link writeEvents} wrote. @throws CheckpointError when it cannot be written. */
export const appendEvent = (folder: string, metrics: EpochMetrics, createdAt: string): void =>
  appendDurably(eventFile(folder), epochEvent(metrics, startOf(createdAt)));
