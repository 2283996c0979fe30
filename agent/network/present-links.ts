/** A link of this kernel as it is now. */
export type PresentLink = {
  readonly index: number;
  readonly name: string;
  /** As `ip -d link` names it, e.g. `vlan`; `undefined` for a device. */
  readonly kind: string | undefined;
  readonly address: string;
  /** `undefined`: it has none of its own. */
  readonly permanentAddress: string | undefined;
  readonly driver: string | undefined;
  readonly mtu: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** Index. */
  readonly master: number | undefined;
  /** Index of what a VLAN lies on. */
  readonly parent: number | undefined;
  readonly vlan: { readonly id: number; readonly protocol: '802.1Q' | '802.1ad' } | undefined;
};
