// Matrix products in float32. Addresses and strides are in bytes; a product is added to what `out` holds.

/** Rows of b, and rows of a, that are worked on together: 16 KiB of b's panel stay in the first cache, 384 KiB of a in the second. */
const INNER: u32 = 512;
const ROWS: u32 = 192;

/** Columns of b in a panel: two vectors. */
const WIDTH: u32 = 8;

/** Room for one row of a panel whose last columns are missing. */
const partial: usize = memory.data(32, 16);

/** c + a · b: rounded once where the engine has relaxed instructions and the processor an instruction for it, otherwise twice. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function madd(c: v128, a: v128, b: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}

/**
 * out[i, j] += Σₚ a[i, p] b[p, j], with `rows` × `inner` × `columns`, where out has `columns` in a row and the others lie as their strides say. `panel` is
 * scratch of 512 · 8 elements.
 */
export function timesMatrix32(
  out: usize,
  a: usize,
  b: usize,
  panel: usize,
  rows: u32,
  inner: u32,
  columns: u32,
  rowOfA: usize,
  columnOfA: usize,
  rowOfB: usize,
  columnOfB: usize,
): void {
  const row = <usize>columns << 2;
  for (let p: u32 = 0; p < inner; p += INNER) {
    const depth = min(INNER, inner - p);
    for (let i: u32 = 0; i < rows; i += ROWS) {
      const height = min(ROWS, rows - i);
      for (let j: u32 = 0; j < columns; j += WIDTH) {
        const width = min(WIDTH, columns - j);
        pack(panel, b + <usize>p * rowOfB + <usize>j * columnOfB, depth, width, rowOfB, columnOfB);
        timesPanel(
          out + <usize>i * row + (<usize>j << 2),
          a + <usize>i * rowOfA + <usize>p * columnOfA,
          panel,
          panel + (<usize>depth << 5),
          height,
          width,
          row,
          rowOfA,
          columnOfA,
        );
      }
    }
  }
}

/** Copies up to eight columns of b side by side; what is missing of the eight is 0. */
function pack(panel: usize, b: usize, depth: u32, width: u32, rowOfB: usize, columnOfB: usize): void {
  const end = panel + (<usize>depth << 5);
  if (width == WIDTH && columnOfB == 4) {
    for (let to = panel; to < end; to += 32) {
      v128.store(to, v128.load(b));
      v128.store(to, v128.load(b, 16), 16);
      b += rowOfB;
    }
    return;
  }
  for (let to = panel; to < end; to += 32) {
    for (let c: u32 = 0; c < WIDTH; c++)
      store<f32>(to + (<usize>c << 2), c < width ? load<f32>(b + <usize>c * columnOfB) : 0);
    b += rowOfB;
  }
}

/** Rows of a times one panel. */
function timesPanel(
  out: usize,
  a: usize,
  panel: usize,
  end: usize,
  rows: u32,
  width: u32,
  row: usize,
  rowOfA: usize,
  columnOfA: usize,
): void {
  let i: u32 = 0;
  // With one instruction for product and sum twelve sums keep the processor busy; with two, there are too few registers for so many.
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (; i + 6 <= rows; i += 6) {
      sixRows(out, a, panel, end, width, row, rowOfA, columnOfA);
      out += 6 * row;
      a += 6 * rowOfA;
    }
  }
  for (; i + 4 <= rows; i += 4) {
    fourRows(out, a, panel, end, width, row, rowOfA, columnOfA);
    out += 4 * row;
    a += 4 * rowOfA;
  }
  for (; i < rows; i++) {
    oneRow(out, a, panel, end, width, columnOfA);
    out += row;
    a += rowOfA;
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function sixRows(
  out: usize,
  a: usize,
  panel: usize,
  end: usize,
  width: u32,
  row: usize,
  rowOfA: usize,
  columnOfA: usize,
): void {
  let low0 = f32x4.splat(0);
  let low1 = f32x4.splat(0);
  let low2 = f32x4.splat(0);
  let low3 = f32x4.splat(0);
  let low4 = f32x4.splat(0);
  let low5 = f32x4.splat(0);
  let high0 = f32x4.splat(0);
  let high1 = f32x4.splat(0);
  let high2 = f32x4.splat(0);
  let high3 = f32x4.splat(0);
  let high4 = f32x4.splat(0);
  let high5 = f32x4.splat(0);
  for (let p = panel; p < end; p += 32) {
    const low = v128.load(p);
    const high = v128.load(p, 16);
    let v = v128.load32_splat(a);
    low0 = madd(low0, low, v);
    high0 = madd(high0, high, v);
    v = v128.load32_splat(a + rowOfA);
    low1 = madd(low1, low, v);
    high1 = madd(high1, high, v);
    v = v128.load32_splat(a + 2 * rowOfA);
    low2 = madd(low2, low, v);
    high2 = madd(high2, high, v);
    v = v128.load32_splat(a + 3 * rowOfA);
    low3 = madd(low3, low, v);
    high3 = madd(high3, high, v);
    v = v128.load32_splat(a + 4 * rowOfA);
    low4 = madd(low4, low, v);
    high4 = madd(high4, high, v);
    v = v128.load32_splat(a + 5 * rowOfA);
    low5 = madd(low5, low, v);
    high5 = madd(high5, high, v);
    a += columnOfA;
  }
  addRow(out, low0, high0, width);
  addRow(out + row, low1, high1, width);
  addRow(out + 2 * row, low2, high2, width);
  addRow(out + 3 * row, low3, high3, width);
  addRow(out + 4 * row, low4, high4, width);
  addRow(out + 5 * row, low5, high5, width);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function fourRows(
  out: usize,
  a: usize,
  panel: usize,
  end: usize,
  width: u32,
  row: usize,
  rowOfA: usize,
  columnOfA: usize,
): void {
  let low0 = f32x4.splat(0);
  let low1 = f32x4.splat(0);
  let low2 = f32x4.splat(0);
  let low3 = f32x4.splat(0);
  let high0 = f32x4.splat(0);
  let high1 = f32x4.splat(0);
  let high2 = f32x4.splat(0);
  let high3 = f32x4.splat(0);
  for (let p = panel; p < end; p += 32) {
    const low = v128.load(p);
    const high = v128.load(p, 16);
    let v = v128.load32_splat(a);
    low0 = madd(low0, low, v);
    high0 = madd(high0, high, v);
    v = v128.load32_splat(a + rowOfA);
    low1 = madd(low1, low, v);
    high1 = madd(high1, high, v);
    v = v128.load32_splat(a + 2 * rowOfA);
    low2 = madd(low2, low, v);
    high2 = madd(high2, high, v);
    v = v128.load32_splat(a + 3 * rowOfA);
    low3 = madd(low3, low, v);
    high3 = madd(high3, high, v);
    a += columnOfA;
  }
  addRow(out, low0, high0, width);
  addRow(out + row, low1, high1, width);
  addRow(out + 2 * row, low2, high2, width);
  addRow(out + 3 * row, low3, high3, width);
}

function oneRow(out: usize, a: usize, panel: usize, end: usize, width: u32, columnOfA: usize): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  for (let p = panel; p < end; p += 32) {
    const v = v128.load32_splat(a);
    low = madd(low, v128.load(p), v);
    high = madd(high, v128.load(p, 16), v);
    a += columnOfA;
  }
  addRow(out, low, high, width);
}

/** Adds the first `width` of eight numbers. */
function addRow(out: usize, low: v128, high: v128, width: u32): void {
  if (width == WIDTH) {
    v128.store(out, f32x4.add(v128.load(out), low));
    v128.store(out, f32x4.add(v128.load(out, 16), high), 16);
    return;
  }
  v128.store(partial, low);
  v128.store(partial, high, 16);
  for (let c: usize = 0; c < <usize>width << 2; c += 4) store<f32>(out + c, load<f32>(out + c) + load<f32>(partial + c));
}
