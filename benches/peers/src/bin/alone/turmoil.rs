//! raft-rs on turmoil: a host each, datagrams, the shipped tick of a millisecond.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use splitbrain_peers::raft_node::{Client, Node, decode, encode};
use splitbrain_peers::{CAMPAIGN, DELAY_MS, NODES, TICK_MS, Work};
use turmoil::net::UdpSocket;

const PORT: u16 = 9000;

pub fn run(work: Work, units: u64, seed: u64) {
    match work {
        Work::PingPong(_) => panic!("not measured here"),
        Work::Commit(in_flight) => commit(in_flight, units, seed),
        Work::Campaign => (0..units).for_each(|one| commit(CAMPAIGN.1, CAMPAIGN.0, seed * units + one)),
    }
}

fn commit(in_flight: u64, commands: u64, seed: u64) {
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(1 << 30))
        .min_message_latency(Duration::from_millis(DELAY_MS.0))
        .max_message_latency(Duration::from_millis(DELAY_MS.1))
        .udp_capacity(1 << 16)
        .build();
    let done = Rc::new(Cell::new(false));
    for id in 1..=NODES {
        let done = Rc::clone(&done);
        sim.host(name(id), move || host(id, Client::new(in_flight, commands), Rc::clone(&done)));
    }
    while !done.get() {
        sim.step().expect("no host fails");
    }
}

fn name(id: u64) -> String {
    format!("n{id}")
}

async fn host(id: u64, mut client: Client, done: Rc<Cell<bool>>) -> turmoil::Result {
    let socket = UdpSocket::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    let peers: Vec<IpAddr> = (1..=NODES).map(|peer| turmoil::lookup(name(peer))).collect();
    let mut node = Node::new(id);
    let mut out = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
    let mut bytes = vec![0; 1 << 16];
    if id == 1 {
        tokio::time::sleep(Duration::from_millis(2)).await; // Until every host is bound.
        node.campaign();
    }
    loop {
        node.settle(|message| out.push(message));
        if id == 1 && client.go_on(&mut node, |message| out.push(message)) {
            done.set(true);
        }
        for message in out.drain(..) {
            socket.send_to(&encode(&message), (peers[message.to as usize - 1], PORT)).await?;
        }
        tokio::select! {
            received = socket.recv_from(&mut bytes) => node.step(decode(&bytes[..received?.0])),
            _ = tick.tick() => node.tick(),
        }
    }
}
