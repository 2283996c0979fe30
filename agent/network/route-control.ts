/** The kernel's network as this room sees and changes it: `kernel-routes.ts` talks to the running kernel. */
import type { ArmedLink } from '../config/armed-network.ts';
import type { PresentLink } from './present-links.ts';

export type VirtualLink = Exclude<ArmedLink, { kind: 'device' }>;

export type LinkChange = {
  readonly up?: boolean;
  readonly mtu?: number;
  /** `00:11:22:33:44:55` */
  readonly address?: string;
  /** Index of the bond or bridge. */
  readonly master?: number;
};

export type NewLink = {
  readonly name: string;
  readonly link: VirtualLink;
  /** Index of a VLAN's parent. */
  readonly parent: number | undefined;
};

export type NewRoute = {
  readonly link: number;
  /** With its prefix length. */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly source: string | undefined;
  /** The gateway is on the link though no address of ours says so. */
  readonly onLink: boolean;
  /** `undefined`: the kernel's own, the one that wins. */
  readonly metric: number | undefined;
};

/** How a packet would leave. */
export type Way = { readonly link: number; readonly gateway: string | undefined; readonly source: string | undefined };

/** What is known of a neighbour. `silent`: it was asked for and did not answer. */
export type NeighbourState = 'unknown' | 'asking' | 'answers' | 'silent';
export type Neighbour = { readonly state: NeighbourState /** Of its card. */; readonly address: string | undefined };

/** Every call may throw KernelCallError; what is there already, as it shall be, is no error. */
export interface RouteControl {
  links(): readonly PresentLink[];
  makeLink(link: NewLink): void;
  removeLink(index: number): void;
  changeLink(index: number, change: LinkChange): void;
  /** Of one link, with their prefix lengths. */
  addresses(index: number): readonly string[];
  /** IPv6: used at once, without asking whether somebody else has it. */
  addAddress(index: number, address: string): void;
  removeAddress(index: number, address: string): void;
  /** Takes the place of one with the same destination and metric. */
  addRoute(route: NewRoute): void;
  /** `undefined`: there is none. */
  wayTo(address: string): Way | undefined;
  /** Makes the kernel ask for a neighbour. */
  askNeighbour(link: number, address: string): void;
  neighbour(link: number, address: string): Neighbour;
}
