/**
 * Where labels of points stand in a picture, so that none lies on another, on a point, on a line of the picture or outside.
 *
 * Each label tries places around its point, near ones first; points with the most neighbours choose first. A label that ends up far from its point gets a
 * line to it. Where points crowd so much that no place is left, lines may cross labels.
 */

/** Pixels; y grows downward. */
export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
export type Point = { readonly x: number; readonly y: number };
export type LabelWish = Point & { readonly text: string };
export type Line = readonly [Point, Point];
export type Label = LabelWish & {
  readonly box: Box;
  /** From the point to the label, when it stands apart. */
  readonly line?: Line;
};

export type LabelSizes = {
  /** Of the widest character. */
  readonly characterWidth: number;
  readonly height: number;
  /** Half the width of what marks a point. */
  readonly markRadius: number;
};

/** Above and below first: beside its point a label reads as if it were on a line through it. Fractions of a turn, clockwise from the right. */
const directions = [18, 6, 0, 12, 17, 19, 5, 7, 16, 20, 4, 8, 21, 3, 15, 9, 22, 2, 14, 10, 23, 1, 13, 11].map((step) => step / 24);
const gap = 3;
/** Between two labels. */
const spacing = 3;
/** A label farther from its point than this needs a line. */
const nearby = 12;

/**
 * @param lines What else is drawn, and stays readable.
 * @returns In the order of the wishes.
 * @throws RangeError when there is no room for one.
 */
export function placeLabels(wishes: readonly LabelWish[], lines: readonly Line[], area: Box, sizes: LabelSizes): readonly Label[] {
  const drawn: Drawn = { marks: wishes.map((point) => around(point, sizes.markRadius)), lines, area };
  const crowd = (wish: LabelWish) => wishes.filter((other) => Math.hypot(other.x - wish.x, other.y - wish.y) < 60).length;
  const placed: Label[] = [];
  for (const wish of wishes.toSorted((one, other) => crowd(other) - crowd(one))) placed.push(place(wish, drawn, placed, sizes));
  return wishes.map((wish) => placed.find((label) => label.x === wish.x && label.y === wish.y && label.text === wish.text)!);
}

type Drawn = { readonly marks: readonly Box[]; readonly lines: readonly Line[]; readonly area: Box };

function place(wish: LabelWish, drawn: Drawn, placed: readonly Label[], sizes: LabelSizes): Label {
  const width = wish.text.length * sizes.characterWidth;
  for (const linesMayCross of [false, true]) {
    for (let distance = sizes.markRadius + gap; distance < drawn.area.width; distance += 6) {
      for (const direction of directions) {
        const label = labelAt(wish, { width, height: sizes.height }, distance, direction * 2 * Math.PI, sizes.markRadius);
        if (isFree(label, drawn, placed) && (linesMayCross || !meetsLine(label, drawn, placed))) return label;
      }
    }
  }
  throw new RangeError(`Cannot place the label "${wish.text}": no room is left`);
}

/** The box whose nearest edge or corner is `distance` away in that direction. */
function labelAt(wish: LabelWish, size: Pick<Box, 'width' | 'height'>, distance: number, angle: number, markRadius: number): Label {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const end = { x: wish.x + cos * distance, y: wish.y + sin * distance };
  const box = {
    x: end.x - size.width * (0.5 - 0.5 * squeeze(cos)),
    y: end.y - size.height * (0.5 - 0.5 * squeeze(sin)),
    ...size,
  };
  if (distance <= markRadius + nearby) return { ...wish, box };
  const start = { x: wish.x + cos * markRadius, y: wish.y + sin * markRadius };
  return { ...wish, box, line: [start, end] };
}

/** From -1 to 1, and there already before the direction is quite straight. */
function squeeze(part: number): number {
  return Math.max(-1, Math.min(1, part * 1.5));
}

function isFree({ box }: Label, { marks, area }: Drawn, placed: readonly Label[]): boolean {
  const wider = { ...box, x: box.x - spacing, width: box.width + 2 * spacing };
  return contains(area, box) && !marks.some((mark) => overlap(mark, box)) && !placed.some((other) => overlap(other.box, wider));
}

function meetsLine({ box, line }: Label, { lines }: Drawn, placed: readonly Label[]): boolean {
  return lines.some((drawn) => crosses(drawn, box)) || placed.some((other) => crosses(other.line, box) || crosses(line, other.box));
}

export function overlap(one: Box, other: Box): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
}

export function contains(outer: Box, inner: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

export function crosses(line: Line | undefined, box: Box): boolean {
  if (line === undefined) return false;
  const [from, to] = line;
  const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 2);
  for (let step = 0; step < steps; step++) {
    const share = step / steps;
    const point = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
    if (overlap({ ...point, width: 0.1, height: 0.1 }, box)) return true;
  }
  return false;
}

function around({ x, y }: Point, radius: number): Box {
  return { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
}
