/** What a DHCP client runs with the lease it was given: the lease is written down for the agent, which acts on it. */

/** @param leasePath where the lease is written; no character of it is special to a shell. */
export function leaseScript(leasePath: string): string {
  return `#!/bin/sh
# Runs in the capture kernel, under any POSIX shell, for udhcpc, dhclient or dhcpcd; writes down what they tell in their environment.
case "\${1:-\${reason:-}}" in
bound|renew|BOUND|RENEW|REBIND|REBOOT) ;;
*) exit 0 ;;
esac
umask 077
{
  echo "address=\${ip:-\${new_ip_address:-}}"
  echo "mask=\${mask:-\${new_subnet_cidr:-\${new_subnet_mask:-}}}"
  echo "routers=\${router:-\${new_routers:-}}"
  echo "servers=\${dns:-\${new_domain_name_servers:-}}"
} > "${leasePath}.new" && mv "${leasePath}.new" "${leasePath}"
exit 0
`;
}
