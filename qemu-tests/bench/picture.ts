/** Time against size of every contender as an SVG: one panel a dump level, both axes logarithmic, so that equal distances are equal ratios. */
import { type Entry, type ProgramName, wallOf } from './entries.ts';
import { type Box, type Label, type Line, type Point, placeLabels } from './place-labels.ts';

type Mark = Point & { readonly entry: Entry };
type Join = { readonly program: ProgramName; readonly ends: Line };
type Panel = {
  readonly level: number;
  readonly area: Box;
  readonly marks: readonly Mark[];
  readonly joined: readonly Join[];
  readonly labels: readonly Label[];
};
type Scale = { readonly from: number; readonly to: number };

const width = 960;
const panelHeight = 470;
const header = 84;
const margin = { left: 84, right: 28, top: 34, bottom: 52 };
const markRadius = 6;
/** 13 pixels high, of the widest common sans-serif characters. */
const sizes = { characterWidth: 8, height: 16, markRadius };

/** Dark text and light ground, and the other way round where the reader's screen is dark: the ground is the picture's own. */
const style = `
  text { font-family: "DejaVu Sans", Verdana, Arial, sans-serif; font-size: 13px; fill: #24292f }
  .title { font-size: 17px; font-weight: bold }
  .small { font-size: 12px; fill: #57606a }
  .ground { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #e1e4e8 }
  .frame { fill: none; stroke: #8c959f }
  .join { stroke-width: 1.5; stroke-dasharray: 3 3; fill: none }
  .line { stroke: #8c959f }
  .kcapture { fill: #0550ae; stroke: #0550ae }
  .makedumpfile { fill: #bc4c00; stroke: #bc4c00 }
  .either { fill: #6e7781; stroke: #6e7781 }
  text.kcapture, text.makedumpfile { stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .ground { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #262c36 }
    .kcapture { fill: #6cb6ff; stroke: #6cb6ff }
    .makedumpfile { fill: #f0883e; stroke: #f0883e }
  }
`;

/** @param about What the dumps were of, e.g. `a vmcore of 5.79 GiB, 2 CPUs`. @throws RangeError when there is no entry, or no room for a label. */
export function drawPicture(entries: readonly Entry[], about: string): string {
  const panels = layOut(entries);
  const height = header + panels.length * panelHeight;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>Time against size of dumps by kcapture and makedumpfile</title>`,
    `<style>${style}</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    text({ x: 24, y: 30 }, 'Time against size: left is faster, down is smaller', 'title'),
    text({ x: 24, y: 51 }, about, 'small'),
    text({ x: 24, y: 70 }, '-z zstd, -l LZO, -p snappy, -c zlib', 'small'),
    ...legend(),
    ...panels.flatMap(drawPanel),
    '</svg>',
    '',
  ].join('\n');
}

/** Where everything stands. Runs that were stopped have no size, and no place. */
export function layOut(entries: readonly Entry[]): readonly Panel[] {
  const finished = entries.filter(({ run }) => run !== undefined);
  if (finished.length === 0) throw new RangeError('Cannot draw a picture of no runs');
  const levels = [...new Set(finished.map(({ level }) => level))].sort((one, other) => other - one);
  return levels.map((level, index) => {
    const shown = finished.filter((entry) => entry.level === level);
    const area = {
      x: margin.left,
      y: header + index * panelHeight + margin.top,
      width: width - margin.left - margin.right,
      height: panelHeight - margin.top - margin.bottom,
    };
    const [across, down] = scales(shown);
    const marks = shown.map((entry) => ({
      entry,
      x: area.x + area.width * share(wallOf(entry), across),
      y: area.y + area.height * (1 - share(megabytes(entry), down)),
    }));
    const wishes = marks.map(({ x, y, entry }) => ({ x, y, text: nameOf(entry) }));
    const joined = joins(marks);
    const labels = placeLabels(
      wishes,
      joined.map(({ ends }) => ends),
      area,
      sizes,
    );
    return { level, area, marks, joined, labels };
  });
}

function nameOf({ mode, workers }: Entry): string {
  return workers === 1 ? mode : `${mode} ×${workers}`;
}

function megabytes({ run }: Entry): number {
  return (run?.outputBytes ?? Number.NaN) / 1e6;
}

function scales(entries: readonly Entry[]): readonly [Scale, Scale] {
  return [scaleOf(entries.map(wallOf)), scaleOf(entries.map(megabytes))];
}

/** With room at both ends. */
function scaleOf(values: readonly number[]): Scale {
  return { from: Math.min(...values) / 1.3, to: Math.max(...values) * 1.3 };
}

function share(value: number, { from, to }: Scale): number {
  return Math.log(value / from) / Math.log(to / from);
}

function drawPanel({ level, area, marks, joined, labels }: Panel): readonly string[] {
  const [across, down] = scales(marks.map(({ entry }) => entry));
  const bottom = area.y + area.height;
  return [
    text(
      { x: area.x, y: area.y - 12 },
      `Dump level ${level}${level === 31 ? ': only what the kernel itself needs' : level === 0 ? ': all memory' : ''}`,
      'title',
    ),
    ...ticks(across).flatMap((value) => {
      const x = area.x + area.width * share(value, across);
      return [line('grid', { x, y: area.y }, { x, y: bottom }), text({ x, y: bottom + 18 }, `${value} s`, 'small', 'middle')];
    }),
    ...ticks(down).flatMap((value) => {
      const y = bottom - area.height * share(value, down);
      return [
        line('grid', { x: area.x, y }, { x: area.x + area.width, y }),
        text({ x: area.x - 8, y: y + 4 }, `${value} MB`, 'small', 'end'),
      ];
    }),
    `<rect class="frame" x="${area.x}" y="${area.y}" width="${area.width}" height="${area.height}"/>`,
    text({ x: area.x + area.width / 2, y: bottom + 38 }, 'time', 'small', 'middle'),
    ...joined.map(({ program, ends }) => line(`join ${program}`, ...ends)),
    ...labels.flatMap(({ line: ends }) => (ends === undefined ? [] : [line('line', ...ends)])),
    ...marks.map((mark) => drawMark(mark, mark.entry.program, mark.entry.workers)),
    ...labels.map(({ box, text: words }, index) =>
      text({ x: box.x + box.width / 2, y: box.y + 13 }, words, marks[index].entry.program, 'middle'),
    ),
  ];
}

/** 1, 2 and 5 of each power of ten within the scale; every whole step when those are too few. */
export function ticks({ from, to }: Scale): readonly number[] {
  const steps = (digits: readonly number[]) =>
    Array.from({ length: 16 }, (_, index) => index - 5)
      .flatMap((power) => digits.map((digit) => Number((digit * 10 ** power).toPrecision(3))))
      .filter((value) => value >= from && value <= to);
  const few = steps([1, 2, 5]);
  return few.length >= 3 ? few : steps([1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]);
}

/** What one more worker brings: a line between the marks of the same contender. */
function joins(marks: readonly Mark[]): readonly Join[] {
  return marks.flatMap((mark) => {
    const { program, mode, workers } = mark.entry;
    const one = workers > 1 && marks.find(({ entry }) => entry.program === program && entry.mode === mode && entry.workers === 1);
    return one ? [{ program, ends: [one, mark] as const }] : [];
  });
}

function legend(): readonly string[] {
  const item = (x: number, y: number, kind: ProgramName | 'either', workers: number, words: string) => [
    drawMark({ x, y }, kind, workers),
    text({ x: x + 14, y: y + 5 }, words),
  ];
  return [
    ...item(620, 24, 'kcapture', 1, 'kcapture'),
    ...item(620, 46, 'makedumpfile', 1, 'makedumpfile'),
    ...item(790, 24, 'either', 1, 'one worker'),
    ...item(790, 46, 'either', 2, 'two workers (×2)'),
  ];
}

/** A disc for one worker, a diamond for two. */
function drawMark({ x, y }: Point, kind: ProgramName | 'either', workers: number): string {
  if (workers === 1) return `<circle class="${kind}" cx="${round(x)}" cy="${round(y)}" r="${markRadius - 1}"/>`;
  const corners = [
    [0, -1],
    [1, 0],
    [0, 1],
    [-1, 0],
  ].map(([right, down]) => `${round(x + right * markRadius)},${round(y + down * markRadius)}`);
  return `<polygon class="${kind}" points="${corners.join(' ')}"/>`;
}

function line(kind: string, from: Point, to: Point): string {
  return `<line class="${kind}" x1="${round(from.x)}" y1="${round(from.y)}" x2="${round(to.x)}" y2="${round(to.y)}"/>`;
}

function text({ x, y }: Point, words: string, kind?: string, anchor?: 'middle' | 'end'): string {
  const attributes = [kind === undefined ? '' : ` class="${kind}"`, anchor === undefined ? '' : ` text-anchor="${anchor}"`].join('');
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escapeXml(words)}</text>`;
}

function escapeXml(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
