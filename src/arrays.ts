/**
 * Typed arrays over an ArrayBuffer, never over shared memory: the runtime and WebAssembly read and write them in place. They are defined as
 * the return type of `of`, because compilers before TypeScript 5.7, which also read our declarations, do not have
 * `Float32Array<ArrayBuffer>`.
 */
export type OwnFloat32Array = ReturnType<typeof Float32Array.of>;
export type OwnFloat64Array = ReturnType<typeof Float64Array.of>;
export type OwnInt32Array = ReturnType<typeof Int32Array.of>;
export type OwnUint32Array = ReturnType<typeof Uint32Array.of>;
export type OwnBigInt64Array = ReturnType<typeof BigInt64Array.of>;
export type OwnUint8Array = ReturnType<typeof Uint8Array.of>;
