//! raft-rs on madsim: a node each, datagrams. A program of its own, for madsim takes the place of the C library's clocks and
//! randomness in whatever it is part of. `with-madsim madsim WORK UNITS SEED` prints units per CPU second.

#[cfg(madsim)]
mod on_madsim {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use madsim::net::UdpSocket;
    use madsim::runtime::Runtime;
    use raft::eraftpb::Message;
    use splitbrain_peers::raft_node::{Client, Node, decode, encode};
    use splitbrain_peers::{CAMPAIGN, DELAY_MS, NODES, TICK_MS, Work};

    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    pub(crate) fn run(work: Work, units: u64, seed: u64) {
        match work {
            Work::PingPong(_) => panic!("not measured here"),
            Work::Commit(in_flight) => commit(in_flight, units, seed),
            Work::Campaign => (0..units).for_each(|one| commit(CAMPAIGN.1, CAMPAIGN.0, seed * units + one)),
        }
    }

    fn commit(in_flight: u64, commands: u64, seed: u64) {
        let mut config = madsim::Config::default();
        config.net.send_latency = Duration::from_millis(DELAY_MS.0)..Duration::from_millis(DELAY_MS.1);
        let runtime = Runtime::with_seed_and_config(seed, config);
        let done = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&done);
        runtime.block_on(async move {
            let handle = madsim::runtime::Handle::current();
            for id in 1..=NODES {
                let node = handle.create_node().ip(address(id).ip()).build();
                node.spawn(host(id, Client::new(in_flight, commands), Arc::clone(&done)));
            }
            while !watched.load(Ordering::Relaxed) {
                madsim::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }

    fn address(id: u64) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, id as u8], 9000))
    }

    /// A task that sends to one peer. An operation on a socket takes a millisecond of virtual time here: a node that waited for
    /// each of its messages would not keep up with its heartbeats.
    fn sender(socket: Arc<UdpSocket>, to: SocketAddr) -> UnboundedSender<Message> {
        let (sender, mut queue) = unbounded_channel();
        madsim::task::spawn(async move {
            while let Some(message) = queue.recv().await {
                socket.send_to(to, &encode(&message)).await.expect("it is sent");
            }
        });
        sender
    }

    async fn host(id: u64, mut client: Client, done: Arc<AtomicBool>) {
        let socket = Arc::new(UdpSocket::bind(address(id)).await.expect("a free port"));
        let peers: Vec<_> = (1..=NODES).map(|peer| sender(Arc::clone(&socket), address(peer))).collect();
        let mut node = Node::new(id);
        let mut out = Vec::new();
        let mut tick = madsim::time::interval(Duration::from_millis(TICK_MS));
        let mut bytes = vec![0; 1 << 16];
        if id == 1 {
            madsim::time::sleep(Duration::from_millis(2)).await; // Until every node is bound.
            node.campaign();
        }
        loop {
            node.settle(|message| out.push(message));
            if id == 1 && client.go_on(&mut node, |message| out.push(message)) {
                done.store(true, Ordering::Relaxed);
            }
            for message in out.drain(..) {
                peers[message.to as usize - 1].send(message).expect("its sender runs");
            }
            tokio::select! {
                received = socket.recv_from(&mut bytes) => {
                    node.step(decode(&bytes[..received.expect("a datagram").0]));
                }
                _ = tick.tick() => node.tick(),
            }
        }
    }
}

#[cfg(madsim)]
fn main() {
    let (_, name, units, seed) = splitbrain_peers::arguments();
    let work = splitbrain_peers::Work::named(&name).expect("a piece of work");
    splitbrain_peers::print_rate(units, || on_madsim::run(work, units, seed));
}

#[cfg(not(madsim))]
fn main() {
    panic!(
        "madsim simulates only with `--cfg madsim`: run `cargo bench` in this folder, where .cargo/config.toml says so"
    );
}
