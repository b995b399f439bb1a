/** Rows as points on a canvas: read from the server's bytes, placed, coloured, found under the pointer and within a lasso. */

/** Rows as points, column by column. */
export interface MapData {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The entropy of the class, in nats. */
  readonly doubt: Float32Array;
  /** −log10 of the share of rows that are as unlikely as this one. */
  readonly outlier: Float32Array;
  /** Class index; -1 without one. */
  readonly label: Int16Array;
  readonly predicted: Int16Array;
}

/** How the map is looked at. */
export interface MapView {
  readonly colour: "label" | "predicted" | "doubt" | "outlier";
  readonly zoom: Zoom;
}

/** Magnification, and how far the middle is moved, in CSS pixels. */
export interface Zoom {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

/** A place on the canvas, in CSS pixels. */
export type Place = readonly [x: number, y: number];

/** Reads what `/api/map` answers: the columns one after another, floats first. */
export function readMap(bytes: ArrayBuffer): MapData {
  const rows = bytes.byteLength / 20;
  const floats = (column: number) => new Float32Array(bytes, 4 * rows * column, rows);
  const shorts = (column: number) => new Int16Array(bytes, 16 * rows + 2 * rows * column, rows);
  return {
    x: floats(0),
    y: floats(1),
    doubt: floats(2),
    outlier: floats(3),
    label: shorts(0),
    predicted: shorts(1),
  };
}

/** Okabe and Ito's colours, which people with colour blindness can tell apart, and four of Tol's, as [red, green, blue]. */
const COLOURS = [
  [0xe6, 0x9f, 0x00],
  [0x56, 0xb4, 0xe9],
  [0x00, 0x9e, 0x73],
  [0xcc, 0x79, 0xa7],
  [0x00, 0x72, 0xb2],
  [0xd5, 0x5e, 0x00],
  [0xb8, 0xa8, 0x00],
  [0x88, 0x88, 0x88],
  [0x88, 0x22, 0x55],
  [0x44, 0xaa, 0x99],
  [0x33, 0x22, 0x88],
  [0x99, 0x99, 0x33],
] as const;

/** A colour as one pixel of an ImageData, whose bytes are red, green, blue, alpha. */
const pixel = ([red, green, blue]: readonly [number, number, number], alpha = 255): number =>
  new Uint32Array(Uint8Array.of(red, green, blue, alpha).buffer)[0];

const CLASSES = COLOURS.map((colour) => pixel(colour));
const NONE = pixel([128, 128, 128], 115);
/** From sure or usual, blue, to unsure or unusual, red. */
const DEGREES = Array.from({ length: 64 }, (_, i) => {
  const t = i / 63;
  return pixel([Math.round(40 + 190 * t), Math.round(110 - 30 * t), Math.round(210 - 170 * t)]);
});

/** The colour of a class as CSS, for a legend. */
export const cssColour = (k: number): string => `rgb(${COLOURS[k % COLOURS.length].join(" ")})`;

const range = (values: Float32Array) => {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { middle: (low + high) / 2, length: high - low || 1 };
};

/** The ranges of a map's coordinates: one pass over all rows, kept for as long as the map. */
const ranges = new WeakMap<MapData, readonly [ReturnType<typeof range>, ReturnType<typeof range>]>();

/** How coordinates become places: `x · scale + left`, `top − y · scale`. */
function placing(canvas: HTMLCanvasElement, data: MapData, zoom: Zoom) {
  const known = ranges.get(data) ?? ([range(data.x), range(data.y)] as const);
  ranges.set(data, known);
  const [horizontal, vertical] = known;
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = 0.92 * zoom.scale * Math.min(width / horizontal.length, height / vertical.length);
  return {
    scale,
    left: width / 2 + zoom.x - horizontal.middle * scale,
    top: height / 2 + zoom.y + vertical.middle * scale,
  };
}

/** The zoom that magnifies by `factor` and leaves what is under `place` where it is. */
export function zoomedAt(canvas: HTMLCanvasElement, zoom: Zoom, factor: number, [x, y]: Place): Zoom {
  const scale = Math.min(200, Math.max(0.5, zoom.scale * factor));
  const ratio = scale / zoom.scale;
  const about = (at: number, moved: number, size: number) => at - size / 2 - (at - size / 2 - moved) * ratio;
  return {
    scale,
    x: about(x, zoom.x, canvas.clientWidth),
    y: about(y, zoom.y, canvas.clientHeight),
  };
}

/**
 * Draws all rows, those with a label last and larger, so that they are seen; then the lasso. Points are written into one image, because a
 * fill for each of 70,000 takes longer than a frame.
 */
export function drawMap(
  canvas: HTMLCanvasElement,
  data: MapData,
  { colour, zoom }: MapView,
  lasso: readonly Place[] = [],
): void {
  const ratio = window.devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((n) =>
    Math.max(1, Math.round(n * ratio)),
  );
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (context === null) return;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const { scale, left, top } = placing(canvas, data, zoom);
  const isDegree = colour === "doubt" || colour === "outlier";
  const most = isDegree ? data[colour].reduce((a, b) => Math.max(a, b), 0) || 1 : 1;
  const colourOf = (row: number): number => {
    if (isDegree) return DEGREES[Math.round((63 * data[colour][row]) / most)];
    const k = data[colour][row];
    return k < 0 ? NONE : CLASSES[k % CLASSES.length];
  };
  const small = Math.round((data.x.length > 5000 ? 2 : 4) * ratio);
  for (const isLabelled of [false, true]) {
    const side = isLabelled ? small + Math.round(4 * ratio) : small;
    for (let row = 0; row < data.x.length; row++) {
      if (data.label[row] >= 0 !== isLabelled) continue;
      const x = Math.round((data.x[row] * scale + left) * ratio - side / 2);
      const y = Math.round((top - data.y[row] * scale) * ratio - side / 2);
      if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
      const value = colourOf(row);
      for (let line = y; line < y + side; line++)
        pixels.fill(value, line * width + x, line * width + x + side);
    }
  }
  context.putImageData(image, 0, 0);
  if (lasso.length < 2) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.beginPath();
  for (const [x, y] of lasso) context.lineTo(x, y);
  context.closePath();
  context.fillStyle = "rgba(11, 98, 214, 0.15)";
  context.strokeStyle = "rgb(11, 98, 214)";
  context.fill();
  context.stroke();
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** The row nearest to a place, within 20 pixels. */
export function nearestPoint(
  canvas: HTMLCanvasElement,
  data: MapData,
  zoom: Zoom,
  [x, y]: Place,
): number | undefined {
  const { scale, left, top } = placing(canvas, data, zoom);
  let best: number | undefined;
  let least = 20 ** 2;
  for (let row = 0; row < data.x.length; row++) {
    const distance = (data.x[row] * scale + left - x) ** 2 + (top - data.y[row] * scale - y) ** 2;
    if (distance < least) [best, least] = [row, distance];
  }
  return best;
}

/** The rows within a polygon: a ray to the right crosses its edges an odd number of times. */
export function rowsWithin(
  canvas: HTMLCanvasElement,
  data: MapData,
  zoom: Zoom,
  polygon: readonly Place[],
): number[] {
  const { scale, left, top } = placing(canvas, data, zoom);
  const within = (x: number, y: number): boolean => {
    let inside = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [[x1, y1], [x2, y2]] = [polygon[i], polygon[j]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    return inside;
  };
  return Array.from(data.x.keys()).filter((row) =>
    within(data.x[row] * scale + left, top - data.y[row] * scale),
  );
}
