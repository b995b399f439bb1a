// Matrix products in float64. Addresses and strides are in bytes; each adds to what `out` holds.

/** out[i] += Σₚ a[i, p] x[p], of a matrix of `rows` × `columns`: four rows side by side, two columns at a time. */
export function timesVector(out: usize, a: usize, x: usize, rows: u32, columns: u32): void {
  const row = <usize>columns << 3;
  const end = x + (<usize>(columns & ~1) << 3);
  const odd = (columns & 1) != 0;
  let i: u32 = 0;
  for (; i + 4 <= rows; i += 4) {
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    let sum2 = f64x2.splat(0);
    let sum3 = f64x2.splat(0);
    let at = a;
    for (let p = x; p < end; p += 16) {
      const v = v128.load(p);
      sum0 = f64x2.add(sum0, f64x2.mul(v128.load(at), v));
      sum1 = f64x2.add(sum1, f64x2.mul(v128.load(at + row), v));
      sum2 = f64x2.add(sum2, f64x2.mul(v128.load(at + 2 * row), v));
      sum3 = f64x2.add(sum3, f64x2.mul(v128.load(at + 3 * row), v));
      at += 16;
    }
    // Two sums in each vector: the first lanes of two rows and their second lanes are added.
    let low = f64x2.add(i64x2.shuffle(sum0, sum1, 0, 2), i64x2.shuffle(sum0, sum1, 1, 3));
    let high = f64x2.add(i64x2.shuffle(sum2, sum3, 0, 2), i64x2.shuffle(sum2, sum3, 1, 3));
    if (odd) {
      const v = v128.load64_splat(end);
      low = f64x2.add(low, f64x2.mul(column(at, row), v));
      high = f64x2.add(high, f64x2.mul(column(at + 2 * row, row), v));
    }
    v128.store(out, f64x2.add(v128.load(out), low));
    v128.store(out, f64x2.add(v128.load(out, 16), high), 16);
    out += 32;
    a += 4 * row;
  }
  for (; i < rows; i++) {
    let sum = f64x2.splat(0);
    let at = a;
    for (let p = x; p < end; p += 16) {
      sum = f64x2.add(sum, f64x2.mul(v128.load(at), v128.load(p)));
      at += 16;
    }
    let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
    if (odd) total += load<f64>(at) * load<f64>(end);
    store<f64>(out, load<f64>(out) + total);
    out += 8;
    a += row;
  }
}

/** Two elements, `stride` apart. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function column(at: usize, stride: usize): v128 {
  return v128.load64_lane(at + stride, v128.load64_zero(at), 1);
}

/** out[j] += Σₚ a[p, j] x[p], of a matrix of `rows` × `columns`: four rows in one pass over `out`. */
export function transposedTimesVector(out: usize, a: usize, x: usize, rows: u32, columns: u32): void {
  const row = <usize>columns << 3;
  const end = out + (<usize>(columns & ~1) << 3);
  const odd = (columns & 1) != 0;
  let p: u32 = 0;
  for (; p + 4 <= rows; p += 4) {
    const v0 = v128.load64_splat(x);
    const v1 = v128.load64_splat(x, 8);
    const v2 = v128.load64_splat(x, 16);
    const v3 = v128.load64_splat(x, 24);
    let at = a;
    for (let to = out; to < end; to += 16) {
      const first = f64x2.add(f64x2.mul(v128.load(at), v0), f64x2.mul(v128.load(at + row), v1));
      const second = f64x2.add(f64x2.mul(v128.load(at + 2 * row), v2), f64x2.mul(v128.load(at + 3 * row), v3));
      v128.store(to, f64x2.add(v128.load(to), f64x2.add(first, second)));
      at += 16;
    }
    if (odd) {
      const first = load<f64>(at) * load<f64>(x) + load<f64>(at + row) * load<f64>(x, 8);
      const second = load<f64>(at + 2 * row) * load<f64>(x, 16) + load<f64>(at + 3 * row) * load<f64>(x, 24);
      store<f64>(end, load<f64>(end) + (first + second));
    }
    x += 32;
    a += 4 * row;
  }
  for (; p < rows; p++) {
    const v = v128.load64_splat(x);
    let at = a;
    for (let to = out; to < end; to += 16) {
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(v128.load(at), v)));
      at += 16;
    }
    if (odd) store<f64>(end, load<f64>(end) + load<f64>(at) * load<f64>(x));
    x += 8;
    a += row;
  }
}

/**
 * out[i, j] += Σₚ a[i, p] b[p, j], with `rows` × `inner` × `columns`, where out has `columns` in a row and the others lie as their strides say. Four
 * columns of b at a time are copied to `panel` (4 · inner elements), side by side; what is missing of the last four is 0.
 */
export function timesMatrix(
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
  const row = <usize>columns << 3;
  for (let j: u32 = 0; j < columns; j += 4) {
    const width = min(4, columns - j);
    let from = b + <usize>j * columnOfB;
    let to = panel;
    for (let p: u32 = 0; p < inner; p++) {
      for (let c: u32 = 0; c < 4; c++) store<f64>(to + (<usize>c << 3), c < width ? load<f64>(from + <usize>c * columnOfB) : 0);
      from += rowOfB;
      to += 32;
    }
    const end = to;
    let start = a;
    let place = out + (<usize>j << 3);
    let i: u32 = 0;
    for (; i + 4 <= rows; i += 4) {
      let low0 = f64x2.splat(0);
      let low1 = f64x2.splat(0);
      let low2 = f64x2.splat(0);
      let low3 = f64x2.splat(0);
      let high0 = f64x2.splat(0);
      let high1 = f64x2.splat(0);
      let high2 = f64x2.splat(0);
      let high3 = f64x2.splat(0);
      let at = start;
      for (let p = panel; p < end; p += 32) {
        const low = v128.load(p);
        const high = v128.load(p, 16);
        const v0 = v128.load64_splat(at);
        const v1 = v128.load64_splat(at + rowOfA);
        const v2 = v128.load64_splat(at + 2 * rowOfA);
        const v3 = v128.load64_splat(at + 3 * rowOfA);
        low0 = f64x2.add(low0, f64x2.mul(low, v0));
        high0 = f64x2.add(high0, f64x2.mul(high, v0));
        low1 = f64x2.add(low1, f64x2.mul(low, v1));
        high1 = f64x2.add(high1, f64x2.mul(high, v1));
        low2 = f64x2.add(low2, f64x2.mul(low, v2));
        high2 = f64x2.add(high2, f64x2.mul(high, v2));
        low3 = f64x2.add(low3, f64x2.mul(low, v3));
        high3 = f64x2.add(high3, f64x2.mul(high, v3));
        at += columnOfA;
      }
      addRow(place, low0, high0, width);
      addRow(place + row, low1, high1, width);
      addRow(place + 2 * row, low2, high2, width);
      addRow(place + 3 * row, low3, high3, width);
      place += 4 * row;
      start += 4 * rowOfA;
    }
    for (; i < rows; i++) {
      let low = f64x2.splat(0);
      let high = f64x2.splat(0);
      let at = start;
      for (let p = panel; p < end; p += 32) {
        const v = v128.load64_splat(at);
        low = f64x2.add(low, f64x2.mul(v128.load(p), v));
        high = f64x2.add(high, f64x2.mul(v128.load(p, 16), v));
        at += columnOfA;
      }
      addRow(place, low, high, width);
      place += row;
      start += rowOfA;
    }
  }
}

/** Adds the first `width` of four numbers. */
function addRow(out: usize, low: v128, high: v128, width: u32): void {
  if (width == 4) {
    v128.store(out, f64x2.add(v128.load(out), low));
    v128.store(out, f64x2.add(v128.load(out, 16), high), 16);
    return;
  }
  store<f64>(out, load<f64>(out) + f64x2.extract_lane(low, 0));
  if (width > 1) store<f64>(out, load<f64>(out, 8) + f64x2.extract_lane(low, 1), 8);
  if (width > 2) store<f64>(out, load<f64>(out, 16) + f64x2.extract_lane(high, 0), 16);
}
