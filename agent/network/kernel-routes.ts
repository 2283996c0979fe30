/** The running kernel's network, by rtnetlink: one request, its answer, at once. */
import { KcaptureError } from '../errors.ts';
import type { System } from '../sys/system.ts';
import { formatAddress, parseAddress } from './ip-address.ts';
import { changeLinkMessage, listLinksMessage, newLinkMessage, readLinkMessage, removeLinkMessage } from './link-messages.ts';
import type { PresentLink } from './present-links.ts';
import type { RouteControl } from './route-control.ts';
import { messageType } from '../linux/netlink/message.ts';
import {
  addressMessage,
  askNeighbourMessage,
  listAddressesMessage,
  listNeighboursMessage,
  newRouteMessage,
  readAddressMessage,
  readNeighbourMessage,
  readWayMessage,
  wayMessage,
} from './route-requests.ts';

const timeoutMs = 5_000;
/** Of the messages in answers. @source linux/rtnetlink.h */
const answers = { link: 16, address: 20, route: 24, neighbour: 28 } as const;
/** What the kernel says when a way is not there. */
const nowhere: ReadonlySet<string> = new Set([
  'kernel/enetunreach',
  'kernel/ehostunreach',
  'kernel/enoent',
  'kernel/esrch',
  'kernel/eacces',
  'kernel/einval',
]);

export function createKernelRoutes(system: Pick<System, 'kernel' | 'files'>): RouteControl {
  const send = (message: Uint8Array) => system.kernel.routeNetlink(message, timeoutMs);
  const ask = (message: Uint8Array, type: number) => send(message).filter((answer) => messageType(answer) === type);
  const unlessThere = (message: Uint8Array) => {
    try {
      send(message);
    } catch (error) {
      if (!(error instanceof KcaptureError) || error.code !== 'kernel/eexist') throw error;
    }
  };
  return {
    links: () => ask(listLinksMessage(), answers.link).map((message) => completeLink(system, readLinkMessage(message))),
    makeLink: (link) => unlessThere(newLinkMessage(link)),
    removeLink: (index) => void send(removeLinkMessage(index)),
    changeLink: (index, change) => void send(changeLinkMessage(index, change)),
    addresses: (index) =>
      ask(listAddressesMessage(), answers.address)
        .map(readAddressMessage)
        .filter((found) => found !== undefined)
        .filter(({ link }) => link === index)
        .map(({ address }) => address),
    addAddress: (index, address) => unlessThere(addressMessage('add', index, address)),
    removeAddress: (index, address) => void send(addressMessage('remove', index, address)),
    addRoute: (route) => unlessThere(newRouteMessage(route)),
    wayTo(address) {
      try {
        const [way] = ask(wayMessage(address), answers.route);
        return way === undefined ? undefined : readWayMessage(way);
      } catch (error) {
        if (error instanceof KcaptureError && nowhere.has(error.code)) return undefined;
        throw error;
      }
    },
    askNeighbour: (link, address) => void send(askNeighbourMessage(link, address)),
    neighbour(link, address) {
      const all = ask(listNeighboursMessage(address), answers.neighbour).map(readNeighbourMessage);
      const wanted = formatAddress(parseAddress(address));
      return all.find((one) => one.link === link && one.of === wanted) ?? { state: 'unknown', address: undefined };
    },
  };
}

/** What the kernel says elsewhere: older ones do not tell burnt-in addresses with the rest, none tells the driver. */
function completeLink({ kernel, files }: Pick<System, 'kernel' | 'files'>, link: ReturnType<typeof readLinkMessage>): PresentLink {
  const driver = files.readLink(`/sys/class/net/${link.name}/device/driver`)?.split('/').at(-1);
  const permanentAddress = link.permanentAddress ?? (link.master === undefined ? undefined : kernel.permanentAddress(link.name));
  return { ...link, driver, permanentAddress };
}
