/** What is compared with what, and the ratios ours/theirs that are wanted. */

export type Targets = {
  /** Highest wanted ratio of the wall times. */
  readonly wall?: number;
  /** Highest wanted ratio of the sizes. */
  readonly size?: number;
};

export type Contender = { readonly name: string; readonly options: readonly string[]; readonly targets: Targets };

export type Comparison = {
  /** The option that chooses the codec, as on the command line. */
  readonly codec: string;
  readonly theirOptions: readonly string[];
  readonly ours: readonly Contender[];
};

/** One worker each. `-z` of ours is zstd at level -1, theirs is level 1. */
export const comparisons: readonly Comparison[] = [
  {
    codec: 'z',
    theirOptions: ['-z'],
    ours: [
      { name: '-z', options: ['-z'], targets: { wall: 0.8, size: 1.08 } },
      { name: '-z --level 1', options: ['-z', '--level', '1'], targets: { wall: 1.1 } },
    ],
  },
  { codec: 'l', theirOptions: ['-l'], ours: [{ name: '-l', options: ['-l'], targets: { wall: 1.1 } }] },
  { codec: 'c', theirOptions: ['-c'], ours: [{ name: '-c', options: ['-c'], targets: { wall: 1 } }] },
];

/** Highest wanted ratio of the filters' times at dump level 31. */
export const filterTarget = 1.2;

/** Highest wanted peak memory of ours, in bytes. */
export const peakTarget = 160e6;

/** Two threads each, on two CPUs. */
export const twoThreads: readonly string[] = ['-z', '--num-threads', '2'];
