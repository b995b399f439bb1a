/** The machine, as far as a page can know it. */
export const hostname = (): string => "browser";
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export const cores = (): number => navigator.hardwareConcurrency || 1;

export const allCores = cores;

export const coreNumbers = (): readonly number[] | undefined => undefined;

/** A page's arrays for the runtime are in one WebAssembly memory, which can address 4 GiB. */
export const memoryBytes = (): number => 2 ** 32;
