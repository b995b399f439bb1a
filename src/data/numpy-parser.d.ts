/** The package ships no types. */
declare module "numpy-parser" {
  export const fromArrayBuffer: (buffer: ArrayBuffer) => {
    readonly data:
      | Uint8Array
      | Uint16Array
      | Uint32Array
      | Int8Array
      | Int16Array
      | Int32Array
      | Float32Array
      | Float64Array;
    readonly shape: number[];
  };
}
