/** Draws rows as points on a canvas. */

/** Rows as points, column by column. */
export interface MapData {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Class index; -1 if there is none. */
  readonly label: readonly number[];
  readonly predicted: readonly number[];
  readonly doubt: readonly number[];
}

/** The colouring and zoom of the map. */
export interface MapView {
  readonly colour: "label" | "predicted" | "doubt";
  readonly zoom: { readonly scale: number; readonly x: number; readonly y: number };
}

/** Okabe and Ito's colours, which people with colour blindness can tell apart. */
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#b8a800", "#888888"];
const NONE = "rgba(128, 128, 128, 0.45)";

const colourOf = (data: MapData, row: number, colour: MapView["colour"], most: number): string => {
  if (colour === "doubt") return `hsl(${Math.round(220 - (220 * data.doubt[row]) / (most || 1))} 80% 55%)`;
  const k = data[colour][row];
  return k < 0 ? NONE : COLOURS[k % COLOURS.length];
};

/** The positions of rows on the canvas, in CSS pixels. */
function placed(canvas: HTMLCanvasElement, { x, y }: MapData, { zoom }: MapView) {
  const range = (values: readonly number[]) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return { middle: (low + high) / 2, length: high - low || 1 };
  };
  const [horizontal, vertical] = [range(x), range(y)];
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = 0.92 * zoom.scale * Math.min(width / horizontal.length, height / vertical.length);
  return (row: number): readonly [number, number] => [
    width / 2 + zoom.x + (x[row] - horizontal.middle) * scale,
    height / 2 + zoom.y - (y[row] - vertical.middle) * scale,
  ];
}

/** Draws all rows; labelled ones last, so that they are visible. */
export function drawMap(canvas: HTMLCanvasElement, data: MapData, view: MapView): void {
  const ratio = window.devicePixelRatio;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(ratio, ratio);
  const at = placed(canvas, data, view);
  let most = 0;
  for (const doubt of data.doubt) most = Math.max(most, doubt);
  const size = data.x.length > 5000 ? 2 : 4;
  for (const labelled of [false, true]) {
    for (let row = 0; row < data.x.length; row++) {
      if (data.label[row] >= 0 !== labelled) continue;
      const [x, y] = at(row);
      const side = labelled ? size + 4 : size;
      context.fillStyle = colourOf(data, row, view.colour, most);
      context.fillRect(x - side / 2, y - side / 2, side, side);
    }
  }
}

/** The row nearest to the pointer, within 20 pixels. */
export function nearestPoint(
  canvas: HTMLCanvasElement,
  data: MapData,
  view: MapView,
  event: MouseEvent,
): number | undefined {
  const at = placed(canvas, data, view);
  let best: number | undefined;
  let least = 20 ** 2;
  for (let row = 0; row < data.x.length; row++) {
    const [x, y] = at(row);
    const distance = (x - event.offsetX) ** 2 + (y - event.offsetY) ** 2;
    if (distance < least) [best, least] = [row, distance];
  }
  return best;
}
