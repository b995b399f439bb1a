/**
 * Typed arrays over a buffer of their own, never over memory that threads share: what the runtime and WebAssembly read and write in place.
 * They are written as what `of` returns because `Float32Array<ArrayBuffer>` is no type to compilers before TypeScript 5.7, and
 * those read our declarations too.
 */
export type OwnFloat32Array = ReturnType<typeof Float32Array.of>;
export type OwnFloat64Array = ReturnType<typeof Float64Array.of>;
export type OwnInt32Array = ReturnType<typeof Int32Array.of>;
export type OwnUint32Array = ReturnType<typeof Uint32Array.of>;
export type OwnBigInt64Array = ReturnType<typeof BigInt64Array.of>;
export type OwnUint8Array = ReturnType<typeof Uint8Array.of>;
