/**
 * The part of the running system's network that leads to the targets, as the capture kernel puts it up again: which device, which address, which way.
 *
 * Names of links are those of the running system; in the capture kernel a device is found by its permanent hardware address, whatever it is
 * called there.
 */

type LinkFacts = {
  readonly name: string;
  /** In use, `00:11:22:33:44:55`. */
  readonly address: string;
  readonly mtu: number;
  /** The bond or bridge it is a member of. */
  readonly master: string | undefined;
};

export type ArmedLink =
  | (LinkFacts & { readonly kind: 'device' /** Burnt in. */; readonly permanentAddress: string; readonly driver: string | undefined })
  | (LinkFacts & { readonly kind: 'vlan'; readonly parent: string; readonly id: number; readonly protocol: '802.1Q' | '802.1ad' })
  | (LinkFacts & {
      readonly kind: 'bond';
      /** As in `/sys/class/net/NAME/bonding/mode`, e.g. `active-backup`. */
      readonly mode: string;
      readonly miimonMs: number;
      readonly lacpRate: 'slow' | 'fast' | undefined;
      readonly transmitHashPolicy: string | undefined;
    })
  | (LinkFacts & { readonly kind: 'bridge'; readonly stp: boolean });

export type ArmedAddress = {
  readonly link: string;
  /** With its prefix length, `192.0.2.7/24`, `2001:db8::7/64`. */
  readonly address: string;
  /** From a lease or an advertisement, valid until then, milliseconds since 1970; `undefined`: for ever. */
  readonly validUntilMs: number | undefined;
};

export type ArmedRoute = {
  readonly link: string;
  /** `0.0.0.0/0`, `::/0` or narrower. */
  readonly destination: string;
  /** `undefined`: on the link itself. */
  readonly gateway: string | undefined;
  readonly source: string | undefined;
};

export type ArmedNetwork = {
  /** In the order in which they are made: a parent before its VLAN, a bond before its members. */
  readonly links: readonly ArmedLink[];
  readonly addresses: readonly ArmedAddress[];
  readonly routes: readonly ArmedRoute[];
  readonly nameServers: readonly string[];
  readonly searchDomains: readonly string[];
  /** Links whose address came by DHCP. */
  readonly leased: readonly string[];
};
