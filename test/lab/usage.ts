/** What `npm run lab` prints without a verb. */
export const usage = `A Docker host with clients around it, in network namespaces of this machine.

  npm run lab -- up [--name N] [--engine 20|26|28] [--backend nft|legacy] [--no-userland-proxy]
                    [--live-restore] [--ip6tables] [--no-engine]
                                         make a lab that stays until it is taken down
  npm run lab -- list                    the labs there are
  npm run lab -- host CMD...             run a command on the Docker host (iptables, ipset, ...)
  npm run lab -- docker ARGS...          run the docker command there
  npm run lab -- exec CLIENT CMD...      run a command in a client: T, G, X, N, or inet (the router)
  npm run lab -- check CLIENT IP PORT    whether a TCP connection opens: open, refused, unreachable, timeout
  npm run lab -- dockwall ARGS...        run the built dockwall there (npm run build first)
  npm run lab -- down [--all]            take it down
  npm run lab -- prepare [--image]       fill the cache: root file systems, and the image of the Dockerfile
  npm run lab -- reap                    clear away labs whose owner died

Where there are several labs, LAB=name or a first argument --lab NAME says which.
`;
