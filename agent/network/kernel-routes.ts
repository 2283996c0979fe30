/** The running kernel's network, by rtnetlink: one request, its answer, at once. */
import { KcaptureError } from '../errors.ts';
import { buildAddressesRequest, readAddresses } from '../linux/netlink/addresses.ts';
import { formatIpAddress, parseIpAddress } from '../linux/netlink/ip-address.ts';
import { buildLinksRequest, type KernelLink, readLinks } from '../linux/netlink/links.ts';
import { messageType } from '../linux/netlink/message.ts';
import { buildWayRequest, readWay } from '../linux/netlink/routes.ts';
import type { System } from '../sys/system.ts';
import { changeLinkMessage, type LinkState, newLinkMessage, readLinkState, removeLinkMessage } from './link-messages.ts';
import type { PresentLink } from './present-links.ts';
import type { RouteControl, Way } from './route-control.ts';
import { addressMessage, askNeighbourMessage, listNeighboursMessage, newRouteMessage, readNeighbourMessage } from './route-requests.ts';

type Machine = Pick<System, 'kernel' | 'files'>;

const timeoutMs = 5_000;
/** Of the messages in answers. @source linux/rtnetlink.h */
const answers = { link: 16, neighbour: 28 } as const;
/** What the kernel says when a way is not there. */
const nowhere: ReadonlySet<string> = new Set(
  ['enetunreach', 'ehostunreach', 'enoent', 'esrch', 'eacces', 'einval'].map((name) => `kernel/${name}`),
);

export function createKernelRoutes(system: Machine): RouteControl {
  const send = (message: Uint8Array) => system.kernel.routeNetlink(message, timeoutMs);
  const unlessThere = (message: Uint8Array) => {
    try {
      send(message);
    } catch (error) {
      if (!(error instanceof KcaptureError) || error.code !== 'kernel/eexist') throw error;
    }
  };
  return {
    links: () => listLinks(system, send(buildLinksRequest())),
    makeLink: (link) => unlessThere(newLinkMessage(link)),
    removeLink: (index) => void send(removeLinkMessage(index)),
    changeLink: (index, change) => void send(changeLinkMessage(index, change)),
    addresses: (index) =>
      readAddresses(send(buildAddressesRequest()))
        .filter(({ link }) => link === index)
        .map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    addAddress: (index, address) => unlessThere(addressMessage('add', index, address)),
    removeAddress: (index, address) => void send(addressMessage('remove', index, address)),
    addRoute: (route) => unlessThere(newRouteMessage(route)),
    wayTo: (address) => findWay(() => send(buildWayRequest(address, 'packet'))),
    askNeighbour: (link, address) => void send(askNeighbourMessage(link, address)),
    neighbour(link, address) {
      const wanted = formatIpAddress(parseIpAddress(address));
      const messages = send(listNeighboursMessage(address)).filter((message) => messageType(message) === answers.neighbour);
      const found = messages.map(readNeighbourMessage).find((one) => one.link === link && one.of === wanted);
      return found ?? { state: 'unknown', address: undefined };
    },
  };
}

function listLinks(system: Machine, messages: readonly Uint8Array[]): readonly PresentLink[] {
  const told = messages.filter((message) => messageType(message) === answers.link);
  const states = new Map(told.map(readLinkState).map((state) => [state.index, state]));
  return readLinks(told).flatMap((link) => {
    const state = states.get(link.index);
    return state === undefined ? [] : [completeLink(system, link, state)];
  });
}

/** What the kernel says elsewhere: older ones do not tell burnt-in addresses with the rest, none tells the driver. */
function completeLink({ kernel, files }: Machine, link: KernelLink, { isUp, hasCarrier, memberAddress }: LinkState): PresentLink {
  const { index, name, kind, made, address = '', mtu, master, parent } = link;
  const driver = files.readLink(`/sys/class/net/${name}/device/driver`)?.split('/').at(-1);
  const asked = master === undefined ? undefined : kernel.permanentAddress(name);
  const permanentAddress = link.permanentAddress ?? memberAddress ?? asked;
  const vlan = made?.kind === 'vlan' ? made : undefined;
  return { index, name, kind, address, permanentAddress, driver, mtu, isUp, hasCarrier, master, parent, vlan };
}

function findWay(ask: () => readonly Uint8Array[]): Way | undefined {
  try {
    const way = readWay(ask());
    if (way === undefined || way.kind === 'none' || way.link === undefined) return undefined;
    return { link: way.link, gateway: way.gateway, source: way.source };
  } catch (error) {
    if (error instanceof KcaptureError && nowhere.has(error.code)) return undefined;
    throw error;
  }
}
