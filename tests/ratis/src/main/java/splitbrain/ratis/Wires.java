package splitbrain.ratis;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

import org.apache.ratis.conf.Parameters;
import org.apache.ratis.proto.RaftProtos.*;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.rpc.RpcFactory;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerRpc;
import org.apache.ratis.server.ServerFactory;

/**
 * The network between the servers of one JVM: a call is a call, unless the wire is cut.
 *
 * Holds: a cut wire fails both ways of a call at once, so that nothing waits for a timeout of the network. Not here: what
 * the servers are asked (Table).
 */
public final class Wires implements RpcType {
  static final Map<String, RaftServer> RUNNING = new ConcurrentHashMap<>();
  static final Set<String> CUT = ConcurrentHashMap.newKeySet();
  /** Wires that carry votes only. */
  static final Set<String> VOTES_ONLY = ConcurrentHashMap.newKeySet();
  /** Appends for which this holds are delivered, and their answer is lost. */
  static final AtomicReference<Predicate<AppendEntriesRequestProto>> ANSWER_IS_LOST = new AtomicReference<>(r -> false);

  /** Who alone may ask for votes; empty: anybody. Nobody may before the first leader is chosen. */
  static volatile String candidates = "-";

  static void reset() {
    candidates = "-";
    RUNNING.clear();
    CUT.clear();
    VOTES_ONLY.clear();
    ANSWER_IS_LOST.set(request -> false);
  }

  /** Cuts the wires between any of some and any of others, both ways. */
  static void cut(String some, String others) {
    for (char from : some.toCharArray()) {
      for (char to : others.toCharArray()) {
        CUT.add("" + from + to);
        CUT.add("" + to + from);
      }
    }
  }

  static void join(String some, String others) {
    for (char from : some.toCharArray()) {
      for (char to : others.toCharArray()) {
        CUT.remove("" + from + to);
        CUT.remove("" + to + from);
      }
    }
  }

  @Override
  public String name() {
    return Wires.class.getName();
  }

  @Override
  public RpcFactory newFactory(Parameters parameters) {
    return new Factory();
  }

  private static final class Factory implements ServerFactory {
    @Override
    public RpcType getRpcType() {
      return new Wires();
    }

    @Override
    public RaftServerRpc newRaftServerRpc(RaftServer server) {
      return new Rpc(server);
    }
  }

  private static final class Rpc implements RaftServerRpc {
    private final RaftServer server;

    Rpc(RaftServer server) {
      this.server = server;
    }

    /** The server has its id later than its network. */
    private String id() {
      return server.getId().toString();
    }

    private RaftServer other(RaftRpcRequestProto request) throws IOException {
      final String to = RaftPeerId.valueOf(request.getReplyId()).toString();
      final RaftServer other = RUNNING.get(to);
      if (other == null || RUNNING.get(id()) != server || CUT.contains(id() + to)) {
        throw new IOException(id() + " does not reach " + to);
      }
      return other;
    }

    @Override
    public RequestVoteReplyProto requestVote(RequestVoteRequestProto request) throws IOException {
      if (!candidates.isEmpty() && !candidates.contains(id())) {
        throw new IOException(id() + " may not stand");
      }
      return other(request.getServerRequest()).requestVote(request);
    }

    @Override
    public AppendEntriesReplyProto appendEntries(AppendEntriesRequestProto request) throws IOException {
      if (VOTES_ONLY.contains(id() + RaftPeerId.valueOf(request.getServerRequest().getReplyId()))) {
        throw new IOException("a wire for votes only");
      }
      final AppendEntriesReplyProto reply = other(request.getServerRequest()).appendEntries(request);
      if (ANSWER_IS_LOST.get().test(request)) {
        throw new IOException("the answer is lost");
      }
      return reply;
    }

    @Override
    public InstallSnapshotReplyProto installSnapshot(InstallSnapshotRequestProto request) throws IOException {
      return other(request.getServerRequest()).installSnapshot(request);
    }

    @Override
    public StartLeaderElectionReplyProto startLeaderElection(StartLeaderElectionRequestProto request)
        throws IOException {
      return other(request.getServerRequest()).startLeaderElection(request);
    }

    @Override
    public RpcType getRpcType() {
      return new Wires();
    }

    @Override
    public InetSocketAddress getInetSocketAddress() {
      return InetSocketAddress.createUnresolved(id(), 1);
    }

    @Override
    public void start() {
      RUNNING.put(id(), server);
    }

    @Override
    public void close() {
      RUNNING.remove(id(), server);
    }

    @Override
    public void addRaftPeers(Collection<RaftPeer> peers) {
      // Everybody is reached by its id.
    }

    @Override
    public void handleException(RaftPeerId serverId, Exception e, boolean reconnect) {
      // There is no connection to mend.
    }
  }
}
