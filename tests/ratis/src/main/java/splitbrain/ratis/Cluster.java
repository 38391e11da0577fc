package splitbrain.ratis;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.*;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.util.LifeCycle;
import org.apache.ratis.util.TimeDuration;

/**
 * Servers of one group in this JVM, each with a folder for a disk; single letters name them.
 *
 * Not here: what is asked of them (Table).
 */
final class Cluster implements AutoCloseable {
  static final RaftGroupId GROUP = RaftGroupId.randomId();
  private static final ClientId CLIENT = ClientId.randomId();
  private static long calls = 0;

  final RaftProperties properties = new RaftProperties();
  private final Map<String, RaftServer> servers = new TreeMap<>();
  private final File disks;

  Cluster() throws IOException {
    Wires.reset();
    disks = Files.createTempDirectory("ratis-side-by-side").toFile();
    RaftConfigKeys.Rpc.setType(properties, new Wires());
    RaftServerConfigKeys.Rpc.setTimeoutMin(properties, millis(300));
    RaftServerConfigKeys.Rpc.setTimeoutMax(properties, millis(600));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(properties, millis(300));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(properties, millis(600));
    RaftServerConfigKeys.setStagingTimeout(properties, millis(1500));
    RaftServerConfigKeys.setSleepDeviationThreshold(properties, TimeDuration.valueOf(1, TimeUnit.HOURS));
  }

  static TimeDuration millis(long count) {
    return TimeDuration.valueOf(count, TimeUnit.MILLISECONDS);
  }

  static List<RaftPeer> peers(String ids) {
    final List<RaftPeer> peers = new ArrayList<>();
    for (char id : ids.toCharArray()) {
      peers.add(RaftPeer.newBuilder().setId("" + id).setAddress(id + ":1").build());
    }
    return peers;
  }

  /** Starts each of some servers on an empty disk, with a group. */
  Cluster start(String ids, String group) throws IOException {
    for (char id : ids.toCharArray()) {
      boot("" + id, group, RaftStorage.StartupOption.FORMAT);
    }
    return this;
  }

  /** Starts a server again on what its disk holds. */
  void restart(String id) throws IOException {
    boot(id, null, RaftStorage.StartupOption.RECOVER);
  }

  private void boot(String id, String group, RaftStorage.StartupOption option) throws IOException {
    final RaftProperties own = new RaftProperties(properties);
    RaftServerConfigKeys.setStorageDir(own, List.of(new File(disks, id)));
    final RaftServer server = RaftServer.newBuilder()
        .setServerId(RaftPeerId.valueOf(id))
        .setGroup(group == null ? null : RaftGroup.valueOf(GROUP, peers(group)))
        .setOption(option)
        .setStateMachineRegistry(any -> new Echo())
        .setProperties(own)
        .setParameters(new Parameters())
        .build();
    servers.put(id, server);
    server.start();
  }

  void crash(String id) throws IOException {
    servers.remove(id).close();
  }

  RaftServer.Division division(String id) {
    try {
      return servers.get(id).getDivision(GROUP);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  boolean runs(String id) {
    if (!servers.containsKey(id) || servers.get(id).getLifeCycleState() != LifeCycle.State.RUNNING) {
      return false;
    }
    try {
      return servers.get(id).getDivision(GROUP).getInfo().isAlive();
    } catch (IOException e) {
      return false;
    }
  }

  boolean leads(String id) {
    return runs(id) && division(id).getInfo().isLeader();
  }

  boolean isReady(String id) {
    return runs(id) && division(id).getInfo().isLeaderReady();
  }

  /** Who believes to lead. */
  String leaders() {
    final StringBuilder leaders = new StringBuilder();
    servers.keySet().stream().filter(this::leads).forEach(leaders::append);
    return leaders.length() == 0 ? "nobody" : leaders.toString();
  }

  /** Every server in a word: its role, its term and its members. */
  String describe() {
    final StringBuilder all = new StringBuilder();
    for (String id : servers.keySet()) {
      if (runs(id)) {
        all.append(String.format(" %s %s %s %s;", id, division(id).getInfo().getCurrentRole(),
            division(id).getInfo().getCurrentTerm(), members(id)));
      }
    }
    return all.toString();
  }

  /** The members that a server has in force. */
  String members(String id) {
    final RaftConfiguration conf = division(id).getRaftConf();
    final String now = letters(conf.getCurrentPeers());
    return conf.getPreviousPeers().isEmpty() ? "{" + now + "}" : "{" + letters(conf.getPreviousPeers()) + "}{" + now + "}";
  }

  private static String letters(java.util.Collection<RaftPeer> peers) {
    final StringBuilder letters = new StringBuilder();
    peers.stream().map(peer -> peer.getId().toString()).sorted(Comparator.naturalOrder()).forEach(letters::append);
    return letters.toString();
  }

  /** Waits until a server leads, while nobody else may stand. */
  void elect(String id) {
    Wires.candidates = id;
    await(id + " leads", () -> isReady(id));
    Wires.candidates = "";
  }

  CompletableFuture<RaftClientReply> change(String via, SetConfigurationRequest.Arguments arguments) {
    try {
      return servers.get(via).setConfigurationAsync(
          new SetConfigurationRequest(CLIENT, RaftPeerId.valueOf(via), GROUP, ++calls, arguments));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  CompletableFuture<RaftClientReply> write(String via) {
    try {
      return servers.get(via).submitClientRequestAsync(RaftClientRequest.newBuilder()
          .setClientId(CLIENT).setServerId(RaftPeerId.valueOf(via)).setGroupId(GROUP).setCallId(++calls)
          .setMessage(Message.valueOf("x")).setType(RaftClientRequest.writeRequestType()).build());
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** What came of a request, in a word, within some seconds. */
  static String outcome(CompletableFuture<RaftClientReply> reply, int seconds) {
    try {
      final RaftClientReply answer = reply.get(seconds, TimeUnit.SECONDS);
      return answer.isSuccess() ? "accepted" : word(answer.getException());
    } catch (java.util.concurrent.TimeoutException e) {
      return "pending";
    } catch (java.util.concurrent.ExecutionException e) {
      return word(e.getCause());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String word(Throwable why) {
    return why == null ? "refused" : why.getClass().getSimpleName();
  }

  void await(String what, BooleanSupplier holds) {
    final long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > until) {
        throw new IllegalStateException("in 60 s it did not come to this: " + what + ":" + describe());
      }
      pause(20);
    }
  }

  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    servers.values().forEach(server -> {
      try {
        server.close();
      } catch (IOException e) {
        // It is closed as far as it goes.
      }
    });
    delete(disks);
  }

  private static void delete(File file) {
    final File[] inside = file.listFiles();
    if (inside != null) {
      for (File each : inside) {
        delete(each);
      }
    }
    file.delete();
  }

  /** A machine that keeps nothing. */
  private static final class Echo extends BaseStateMachine {
    @Override
    public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
      updateLastAppliedTermIndex(transaction.getLogEntry().getTerm(), transaction.getLogEntry().getIndex());
      return CompletableFuture.completedFuture(Message.EMPTY);
    }
  }
}
