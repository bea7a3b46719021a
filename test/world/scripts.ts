/**
 * Shell scripts of the world, written to its run directory. A shell and `ip monitor` are far smaller than a Node process,
 * and there are six apps in each world.
 */

/**
 * The app: runs a DHCP client on each Ethernet interface from when it appears to when it goes. An interface that was
 * replaced by one of the same name is told by its index.
 */
export const appScript = `#!/bin/sh
# usage: app NAME DIRECTORY LEASE_SCRIPT
name=$1
export APP_DIRECTORY=$2
lease_script=$3

# Subscribe first and list then, so that nothing falls in between.
links() {
  ip -o monitor link &
  sleep 0.2
  ip -o link show
  wait
}

end_client() {
  kill "$1" 2>/dev/null
  rm -f "$APP_DIRECTORY/$2.client" "$APP_DIRECTORY/$2.lease"
}

changed() { # INDEX DEVICE present|gone
  index= pid=
  [ -f "$APP_DIRECTORY/$2.client" ] && read -r index pid < "$APP_DIRECTORY/$2.client"
  if [ "$3" = gone ]; then
    [ "$index" = "$1" ] && end_client "$pid" "$2"
    return
  fi
  [ "$index" = "$1" ] && kill -0 "$pid" 2>/dev/null && return
  [ -n "$pid" ] && end_client "$pid" "$2"
  busybox udhcpc -f -i "$2" -s "$lease_script" -t 8 -T 1 -A 1 -O mtu -O staticroutes -x "hostname:$name" 2>&1 &
  echo "$1 $!" > "$APP_DIRECTORY/$2.client"
}

while :; do
  links | while read -r line; do
    case $line in
      Deleted\\ *) line=\${line#Deleted } state=gone ;;
      *) state=present ;;
    esac
    case $line in *link/ether*) ;; *) continue ;; esac
    index=\${line%%:*}
    device=\${line#*: }
    device=\${device%%:*}
    device=\${device%%@*}
    case $device in eth*) changed "$index" "$device" "$state" ;; esac
  done
  sleep 0.5 # the monitor was ended: begin again
done
`;

/** Prints what udhcpc tells its hook, as lease.ts reads it. */
const leaseFields = `
echo "ip=$ip"
echo "mask=$mask"
echo "router=$router"
echo "dns=$dns"
echo "mtu=$mtu"
echo "domain=$domain"
echo "ntp=$ntpsrv"
echo "routes=$staticroutes"
echo "seconds=$lease"
echo "server=$serverid"`;

/** Hook of a client that only asks (the checks'): prints the lease and leaves the interface alone. */
export const offerScript = `#!/bin/sh
[ "$1" = bound ] || exit 0
${leaseFields}
`;

/**
 * What udhcpc calls when a lease changes: sets address, MTU and routes (option 121 replaces the router, RFC 3442), and
 * notes what the server said in \`<device>.lease\`. The host's resolv.conf is never touched.
 */
export const leaseScript = `#!/bin/sh
number=\${interface##*[!0-9]}
metric=$((100 + \${number:-0}))
file=$APP_DIRECTORY/$interface.lease

resolvers() {
  cat "$APP_DIRECTORY"/*.lease 2>/dev/null | sed -n 's/^dns=//p' | tr ' ' '\\n' | sed '/./!d; s/^/nameserver /' \\
    > "$APP_DIRECTORY/resolv.conf"
}

routes() {
  if [ -n "$staticroutes" ]; then
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      if [ "$2" = 0.0.0.0 ]; then
        echo "route replace $1 dev $interface scope link metric $metric"
      else
        echo "route replace $1 via $2 dev $interface metric $metric"
      fi
      shift 2
    done
  elif [ -n "$router" ]; then
    echo "route replace default via \${router%% *} dev $interface metric $metric"
  fi
}

case $1 in
  deconfig)
    ip link set dev "$interface" up
    ip -4 address flush dev "$interface"
    rm -f "$file"
    resolvers
    ;;
  bound | renew)
    {
      [ -n "$mtu" ] && echo "link set dev $interface mtu $mtu"
      echo "address replace $ip/$mask dev $interface"
      routes
    } | ip -force -batch -
    {
${leaseFields}
    } > "$file.new"
    mv "$file.new" "$file"
    resolvers
    ;;
esac
`;
