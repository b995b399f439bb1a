/** A folder of images as a dataset: files in order, classes from subfolders, all images in one size. */

import { basename, join, relative, resolve } from "#platform/paths";
import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import { quoted } from "./csv-records.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { listDirectory, MAX_BYTES } from "./file.ts";
import {
  decodeImage,
  IMAGE_KINDS,
  type ImageHeader,
  type ImageOptions,
  imageExtension,
  readImageHeader,
} from "./image-decode.ts";

/** The subfolder whose images have no class. */
const UNLABELLED = "unlabelled";
/** Ways to write its name: as a class of its own it would be learnt like the others, and nothing would say so. */
const UNLABELLED_NAME = /^un-?labell?ed$/i;
/** Folders that programs leave behind, such as those of thumbnails. */
const NOT_DATA = /^(\.|__MACOSX$|@eaDir$)/;
/** Extensions of images that cannot be read. */
const OTHER_IMAGES = /\.(bmp|heic|heif|svg|ico|jxl|jp2|psd|dng|cr2|nef|pgm|ppm|pbm|pnm|tga)$|^[^.]+$/i;
/** How many images are decoded in parallel. */
const AT_ONCE = 4;

/** Options of {@link readImageFolder}. */
export interface ImageFolderOptions extends ImageOptions {
  /** Default: the folder's name. */
  readonly name?: string;
  /** The classes in order, if another part of the data has already fixed them. Default: the subfolders. */
  readonly classes?: readonly string[];
  /** For semi-supervised learning: require a subfolder `unlabelled/`, and at least one image in every class. Default false. */
  readonly needsUnlabelled?: boolean;
}

const rules: OptionRules<ImageFolderOptions> = {
  name: anything,
  classes: anything,
  needsUnlabelled: anything,
  resize: anything,
  fit: anything,
  grey: anything,
  channels: anything,
  maxPixels: anything,
  maxBytes: anything,
};

interface ImageFile {
  readonly path: string;
  /** The subfolder that contains it. */
  readonly folder?: string;
}

/** Whether a folder contains images, in itself or below, that can be read or not: what is wrong with them is for the reader to say. */
export const holdsImages = (directory: string): boolean => {
  const { files, others, deeper } = listImages(directory);
  return files.length > 0 || deeper.length > 0 || others.some((path) => /\.[^./\\]+$/.test(path));
};

/**
 * Reads a folder of PNG, JPEG, WebP, GIF, TIFF or AVIF images as bytes: shape `[height, width]` if all are grey, otherwise `[height, width,
 * 3]`. Images are rotated as their EXIF data say, 16 bits are reduced to 8, palettes and print colours are converted, transparent areas
 * become white, and only the first frame of an animation is read; `notes` say which of this was done. Images are in the folder itself, or
 * in subfolders, which are then the classes; images in a subfolder `unlabelled` (or `unlabeled`) get label -1. Rows are sorted by subfolder and file name.
 *
 * ```ts
 * const photos = await readImageFolder("photos", { resize: [32, 32], grey: true });
 * ```
 *
 * @throws UsageError for a size that is not valid; DataError for a folder without images, images beside subfolders of images, images that
 * cannot be decoded, images of several sizes (the message says how to resize), or more images than the memory limit allows.
 */
export async function readImageFolder(directory: string, options: ImageFolderOptions = {}): Promise<Dataset> {
  checkOptions("readImageFolder", options, rules);
  checkSize(options);
  const { files, others, deeper, empty } = listImages(directory);
  if (options.needsUnlabelled) checkUnlabelled(directory, files);
  const loose = files.find((file) => file.folder === undefined);
  const inFolder = files.find((file) => file.folder !== undefined);
  if (loose && inFolder) {
    throw new DataError(
      `${directory}: expected images either in the folder or in one subfolder per class; found both ${loose.path} and ` +
        `${inFolder.path}. Put images without a class into ${join(directory, UNLABELLED)}.`,
    );
  }
  if (files.length === 0) {
    throw new DataError(
      `${directory}: expected images (${IMAGE_KINDS}), in the folder or in one subfolder per class; found none` +
        `${others.length > 0 ? `, but ${others.length} files of a kind that cannot be read, such as ${others[0]}` : ""}` +
        `${deeper.length > 0 ? `, but ${deeper.length} in deeper folders, such as ${deeper[0]}. Give the folder above the classes` : ""}.`,
    );
  }
  const headers = await mapSome(files, ({ path }) => readImageHeader(path, options));
  const [width, height] = options.resize ?? oneSize(directory, files, headers);
  const { channels = options.grey || headers.every(({ grey }) => grey) ? 1 : 3 } = options;
  const size = width * height * channels;
  const { maxBytes = MAX_BYTES } = options;
  if (files.length * size > maxBytes) {
    throw new DataError(
      `${directory}: ${files.length} images of ${width} x ${height} pixels and ${channels} channel${channels === 1 ? "" : "s"} take ` +
        `${files.length * size} bytes; expected at most ${maxBytes}. Resize them (resize), make them grey (grey), or, if ` +
        "there is enough memory, raise the limit (maxBytes).",
    );
  }
  const x = new Uint8Array(files.length * size);
  const target = { ...options, width, height, channels } as const;
  await mapSome(files, async ({ path }, i) => {
    x.set(await decodeImage(path, headers[i], target), i * size);
  });
  return createDataset({
    name: options.name ?? basename(resolve(directory)),
    source: directory,
    shape: channels === 1 ? [height, width] : [height, width, channels],
    kind: "image",
    x,
    rowNames: files.map(({ path }) => relative(directory, path)),
    rowNoun: "file",
    notes: [
      ...notesOf(directory, headers, others, { width, height, channels, options }),
      ...leftOut(directory, deeper, empty),
    ],
    ...(inFolder && labelsOf(directory, files, options.classes)),
  });
}

const checkSize = ({ resize, fit }: ImageOptions): void => {
  if (resize === undefined) {
    if (fit === undefined) return;
    throw new UsageError(`fit: ${fit} does not apply without resize, the size of the resized images.`);
  }
  if (resize.length === 2 && resize.every((n) => Number.isInteger(n) && n >= 1 && n <= 16_384)) return;
  throw new UsageError(
    `resize: expected a width and a height from 1 to 16384 pixels, such as [32, 32]; found [${resize.join(", ")}].`,
  );
};

/** Runs a task for each item, a few at a time. If several fail, the failure of the first item in order is thrown. */
async function mapSome<T, R>(items: readonly T[], task: (item: T, i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next++;
      try {
        results[at] = await task(items[at], at);
      } catch (error) {
        failures.push({ at, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  if (failures.length > 0) throw failures.sort((a, b) => a.at - b.at)[0].error;
  return results;
}

/** What is in a folder. */
interface Listing {
  readonly files: readonly ImageFile[];
  /** Images that cannot be read. */
  readonly others: readonly string[];
  /** Images below the subfolders, which are not read. */
  readonly deeper: readonly string[];
  /** Subfolders without an image. */
  readonly empty: readonly string[];
}

const listImages = (directory: string): Listing => {
  const files: ImageFile[] = [];
  const others: string[] = [];
  const deeper: string[] = [];
  const empty: string[] = [];
  const visit = (path: string, name: string, folder?: string): void => {
    if (name.startsWith(".")) return;
    if (imageExtension.test(name)) files.push({ path, ...(folder !== undefined && { folder }) });
    else if (OTHER_IMAGES.test(name)) others.push(path);
  };
  for (const entry of listDirectory(directory)) {
    const path = join(directory, entry.name);
    if (!entry.directory) {
      visit(path, entry.name);
      continue;
    }
    if (NOT_DATA.test(entry.name)) continue;
    const folder = UNLABELLED_NAME.test(entry.name) ? UNLABELLED : entry.name;
    const before = files.length;
    for (const file of listDirectory(path)) {
      if (!file.directory) visit(join(path, file.name), file.name, folder);
      else if (!NOT_DATA.test(file.name)) deeper.push(...imagesIn(join(path, file.name)));
    }
    if (files.length === before) empty.push(entry.name);
  }
  return { files, others, deeper, empty };
};

/** The images in a folder of a class's folder, whose own subfolders are not looked into. */
const imagesIn = (directory: string): readonly string[] =>
  listDirectory(directory)
    .filter(({ name, directory: is }) => !is && !name.startsWith(".") && imageExtension.test(name))
    .map(({ name }) => join(directory, name));

/** What was not read, and class folders that look alike. */
const leftOut = (
  directory: string,
  deeper: readonly string[],
  empty: readonly string[],
): readonly string[] => [
  ...(deeper.length > 0
    ? [
        `${directory}: ${deeper.length} images in deeper folders are left out, such as ${deeper[0]}. Move them into the folder of their class to use them.`,
      ]
    : []),
  ...(empty.length > 0
    ? [
        `${directory}: no images in ${quoted(empty)}, so there ${empty.length === 1 ? "is no such class" : "are no such classes"}.`,
      ]
    : []),
];

/** @throws DataError when there are several sizes; the message says how to resize. */
const oneSize = (
  directory: string,
  files: readonly ImageFile[],
  headers: readonly ImageHeader[],
): readonly [width: number, height: number] => {
  const sizes = new Map<string, { readonly first: number; count: number }>();
  headers.forEach(({ width, height }, i) => {
    const key = `${width} x ${height}`;
    const size = sizes.get(key);
    if (size) size.count++;
    else sizes.set(key, { first: i, count: 1 });
  });
  if (sizes.size > 1) {
    const frequent = [...sizes].sort(([, a], [, b]) => b.count - a.count);
    const shown = frequent
      .slice(0, 3)
      .map(([key, { first, count }]) => `${key} (${count}, such as ${files[first].path})`);
    throw new DataError(
      `${directory}: expected images of one size; found ${sizes.size} sizes: ${shown.join(", ")}` +
        `${sizes.size > 3 ? ", …" : ""}. Give the size they should have: \`resize: [32, 32]\`, and with \`fit\` how images with ` +
        "different proportions fit: cover (default, crops), contain (adds white) or stretch (distorts).",
    );
  }
  return [headers[0].width, headers[0].height];
};

const notesOf = (
  directory: string,
  headers: readonly ImageHeader[],
  others: readonly string[],
  {
    width,
    height,
    channels,
    options: { resize, fit = "cover" },
  }: {
    readonly width: number;
    readonly height: number;
    readonly channels: number;
    readonly options: ImageOptions;
  },
): readonly string[] => {
  const all = headers.length;
  const noted = (has: (header: ImageHeader) => boolean, what: string): string[] => {
    const count = headers.filter(has).length;
    if (count === 0) return [];
    return [
      `${directory}: ${count === all ? (all === 1 ? "the image" : `all ${all} images`) : `${count} of ${all} images`} ${what}.`,
    ];
  };
  const how = { cover: "cropped", contain: "white margins", stretch: "distorted" }[fit];
  return [
    ...(resize
      ? noted(
          (header) => header.width !== width || header.height !== height,
          `resized to ${width} x ${height} (${fit}: ${how})`,
        )
      : []),
    ...noted(({ alpha }) => alpha, "with an alpha channel drawn on white"),
    ...(channels === 1 ? noted((header) => !header.grey, "converted to grey") : []),
    ...(channels === 3 ? noted((header) => header.grey, "in grey, read as colour like the others") : []),
    ...noted(({ turned }) => turned, "rotated as their EXIF data say"),
    ...noted(({ sixteenBit }) => sixteenBit, "reduced from 16 bits to 8"),
    ...noted(({ print }) => print, "converted from CMYK"),
    ...noted(({ frames }) => frames > 1, "with several frames: the first was read"),
    ...(others.length > 0
      ? [
          `${directory}: ${others.length} files left out, of a kind that cannot be read, such as ${others[0]}.`,
        ]
      : []),
  ];
};

/** Checks what a semi-supervised model needs and an unsupervised one does not: images without a class, and no empty folders. */
const checkUnlabelled = (directory: string, files: readonly ImageFile[]): void => {
  const found = listDirectory(directory).flatMap(({ name, directory: is }) =>
    is && !NOT_DATA.test(name) ? [UNLABELLED_NAME.test(name) ? UNLABELLED : name] : [],
  );
  const folders = [...new Set(found)];
  const filled = new Set(files.map(({ folder }) => folder));
  const empty = folders.filter((folder) => !filled.has(folder));
  const classes = folders.filter((folder) => folder !== UNLABELLED);
  if (!folders.includes(UNLABELLED) || empty.includes(UNLABELLED)) {
    const state = folders.includes(UNLABELLED) ? "found it empty" : "found none";
    throw new DataError(
      `${directory}: semi-supervised learning needs images without a class: expected images in ${join(directory, UNLABELLED)}` +
        `${classes.length > 0 ? `, beside the classes ${classes.join(", ")}` : ""}; ${state}. Put images there, or give the number of labels ` +
        "to keep, such as `labels: 100`: the others are then hidden.",
    );
  }
  if (empty.length > 0) {
    throw new DataError(
      `${join(directory, empty[0])}: expected at least one image of the class "${empty[0]}"; found none. Add one, or remove ` +
        "the folder.",
    );
  }
};

const labelsOf = (
  directory: string,
  files: readonly ImageFile[],
  fixed: readonly string[] | undefined,
): { readonly labels: Int32Array; readonly classes: readonly string[] } => {
  const folders = [...new Set(files.flatMap(({ folder }) => (folder === undefined ? [] : [folder])))];
  const classes = fixed ?? folders.filter((folder) => folder !== UNLABELLED);
  const index = new Map(classes.map((name, i) => [name, i]));
  const unknown = folders.find((folder) => folder !== UNLABELLED && !index.has(folder));
  if (unknown !== undefined) {
    throw new DataError(
      `${join(directory, unknown)}: no such class in the training images, which have ${classes.join(", ")}.`,
    );
  }
  const labels = Int32Array.from(files, ({ folder }) =>
    folder === undefined ? -1 : (index.get(folder) ?? -1),
  );
  return { labels, classes };
};
