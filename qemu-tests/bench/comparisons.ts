/** What is compared with what, and the ratios ours/theirs that are wanted. */

/** Wanted at dump level 31. */
export type Targets = {
  /** Highest ratio of the wall times, one worker each. */
  readonly wall?: number;
  /** Highest ratio of the sizes. */
  readonly size?: number;
  /** Highest ratio of our wall time with two workers to theirs with one or two, whichever is shorter. */
  readonly wallToBest?: number;
  /** Highest ratio of the wall times, two workers each. */
  readonly wallOfTwo?: number;
  /** How many times as fast two workers of ours are as one, at least. */
  readonly speedUp?: number;
};

export type Contender = { readonly name: string; readonly options: readonly string[]; readonly targets: Targets };

export type Comparison = {
  /** What `--codec` calls it: the option that chooses the codec, or `none`. */
  readonly codec: string;
  /** As `name` of a contender. */
  readonly theirName: string;
  /** Undefined: theirs cannot do it. */
  readonly theirOptions?: readonly string[];
  readonly ours: readonly Contender[];
};

/** `-z` of ours is zstd at level -1, theirs is level 1. */
export const comparisons: readonly Comparison[] = [
  {
    codec: 'z',
    theirName: '-z',
    theirOptions: ['-z'],
    ours: [
      { name: '-z', options: ['-z'], targets: { wall: 0.6, size: 1.08, wallToBest: 0.35, wallOfTwo: 0.1, speedUp: 1.7 } },
      { name: '-z --level 1', options: ['-z', '--level', '1'], targets: { wall: 0.95, size: 1 } },
    ],
  },
  {
    codec: 'l',
    theirName: '-l',
    theirOptions: ['-l'],
    ours: [{ name: '-l', options: ['-l'], targets: { wall: 1, wallToBest: 0.65 } }],
  },
  // Debian builds makedumpfile without snappy: told so it says that the option is disabled, and writes uncompressed pages.
  { codec: 'p', theirName: '-p', ours: [{ name: '-p', options: ['-p'], targets: {} }] },
  {
    codec: 'c',
    theirName: '-c',
    theirOptions: ['-c'],
    ours: [{ name: '-c', options: ['-c'], targets: { wall: 0.7, size: 1.02 } }],
  },
  {
    codec: 'none',
    theirName: 'uncompressed',
    theirOptions: [],
    ours: [{ name: 'uncompressed', options: ['--compress', 'none'], targets: {} }],
  },
];

/** The dump level that targets are about. */
export const judgedLevel = 31;

/** The filter is the same whatever the codec: judged once. */
export const filterMode = '-z';
/** Highest wanted ratio of the filters' times there. */
export const filterTarget = 0.8;
