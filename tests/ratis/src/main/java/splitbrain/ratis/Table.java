package splitbrain.ratis;

import java.util.List;
import java.util.concurrent.CompletableFuture;

import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.SetConfigurationRequest.Arguments;
import org.apache.ratis.protocol.SetConfigurationRequest.Mode;
import org.apache.ratis.server.RaftServerConfigKeys;

/**
 * The rows of the membership table, each on servers of its own: what is asked, what Ratis does, what the scenarios of this
 * project say.
 *
 * A row whose two sides differ ends the program with status 1, unless it is told as a finding. An argument chooses the rows
 * whose request contains it.
 */
public final class Table {
  /** A row of the table. */
  private interface Row {
    /** What Ratis does: the outcome, and who leads or what stands afterwards. */
    String play(Cluster cluster) throws Exception;
  }

  private static int different = 0;

  private static String only = "";

  private static void row(String request, String says, String source, Row row) {
    row(request, says, null, source, row);
  }

  /** A row whose two sides are known to differ: what Ratis does is a finding, and expected. */
  private static void row(String request, String says, String finding, String source, Row row) {
    if (!request.contains(only)) {
      return;
    }
    String does;
    try (Cluster cluster = new Cluster()) {
      does = row.play(cluster);
    } catch (Exception e) {
      does = "cannot be told: " + e.getMessage();
    }
    final boolean same = does.equals(says);
    final boolean found = !same && does.equals(finding);
    if (!same && !found) {
      different++;
    }
    System.out.printf("| %s | %s | %s | %s | %s |%n", request, does, says,
        same ? "same" : found ? "**finding**" : "**differs**", source);
  }

  private static Arguments set(String servers) {
    return Arguments.newBuilder().setServersInNewConf(Cluster.peers(servers)).build();
  }

  private static Arguments add(String servers) {
    return Arguments.newBuilder().setServersInNewConf(Cluster.peers(servers)).setMode(Mode.ADD).build();
  }

  private static Arguments compareAndSet(String expected, String servers) {
    return Arguments.newBuilder().setServersInNewConf(Cluster.peers(servers))
        .setServersInCurrentConf(Cluster.peers(expected)).setMode(Mode.COMPARE_AND_SET).build();
  }

  /** A change of a cluster that a leads; newcomers were started with an empty group. */
  private static Row change(String before, String fresh, Arguments change) {
    return cluster -> {
      cluster.start(before, before).start(fresh, "");
      cluster.elect("a");
      final String outcome = Cluster.outcome(cluster.change("a", change), 10);
      Cluster.pause(300);
      final String leader = cluster.leaders();
      return outcome + ", leads " + leader + ", members " + cluster.members(cluster.runs("a") ? "a" : leader);
    };
  }

  public static void main(String[] arguments) {
    only = arguments.length > 0 ? arguments[0] : "";
    System.out.println("| request | Ratis does | the scenario says | | scenario |\n|---|---|---|---|---|");
    modes();
    majorities();
    newcomers();
    removals();
    joint();
    System.out.printf("%n%d rows differ without being a finding.%n", different);
    System.exit(different == 0 ? 0 : 1);
  }

  private static void modes() {
    final String file = "ratis/set-modes";
    row("{abc}: SET abcd", "accepted, leads a, members {abcd}", file, change("abc", "d", set("abcd")));
    row("{abc}: SET ab", "accepted, leads a, members {ab}", file, change("abc", "", set("ab")));
    row("{abc}: SET abc, no change", "accepted, leads a, members {abc}", file, change("abc", "", set("abc")));
    row("{abc}: ADD d", "accepted, leads a, members {abcd}", file, change("abc", "d", add("d")));
    row("{abc}: COMPARE abc AND SET abd", "accepted, leads a, members {abd}", file,
        change("abc", "d", compareAndSet("abc", "abd")));
    row("{abc}: COMPARE ab AND SET abd", "SetConfigurationException, leads a, members {abc}", file,
        change("abc", "d", compareAndSet("ab", "abd")));
    row("{abc}: SET abcd while SET abce is under way", "ReconfigurationInProgressException", file, cluster -> {
      cluster.start("abc", "abc").start("d", "");
      cluster.elect("a");
      cluster.change("a", set("abce"));
      return Cluster.outcome(cluster.change("a", set("abcd")), 10);
    });
  }

  private static void majorities() {
    final String file = "ratis/majority-add";
    final String refused = "SetConfigurationException, leads a, members ";
    row("{abc}: SET cde", refused + "{abc}", file, change("abc", "de", set("cde")));
    row("{abc}: SET abcdef", refused + "{abc}", file, change("abc", "def", set("abcdef")));
    row("{abc}: SET abcde", "accepted, leads a, members {abcde}", file, change("abc", "de", set("abcde")));
    row("{a}: SET ab", "accepted, leads a, members {ab}", file, change("a", "b", set("ab")));
    row("{a}: SET abc", refused + "{a}", file, change("a", "bc", set("abc")));
    row("{abc}: SET bcd, then ade: any change by steps", "accepted, SetConfigurationException", file, cluster -> {
      cluster.start("abc", "abc").start("de", "");
      cluster.elect("b");
      final String first = Cluster.outcome(cluster.change("b", set("bcd")), 10);
      return first + ", " + Cluster.outcome(cluster.change("b", set("ade")), 10);
    });
    row("{a}: SET abc, majority-add on", "accepted, leads a, members {abc}", "ratis/majority-add-without-leader",
        cluster -> {
          RaftServerConfigKeys.LeaderElection.setMemberMajorityAdd(cluster.properties, true);
          return change("a", "bc", set("abc")).play(cluster);
        });
  }

  private static void newcomers() {
    row("d started with an empty group", "d leads never, runs true", "ratis/new-peer-started-empty", cluster -> {
      cluster.start("abc", "abc").start("d", "");
      cluster.elect("a");
      Cluster.pause(2_000);
      return "d leads " + (cluster.leads("d") ? "once" : "never") + ", runs " + cluster.runs("d");
    });
    row("{abc} from its first entry on; d started with the full group {abcd}", "runs false, leads a",
        "runs true, leads a", "ratis/new-peer-with-the-full-group", cluster -> {
          cluster.start("abc", "abc");
          cluster.elect("a");
          return fullGroup(cluster, () -> Cluster.pause(5_000));
        });
    row("{abce} after a change; d started with the full group {abcd}", "runs false, leads a",
        "ratis/new-peer-with-the-full-group", cluster -> {
          cluster.start("abc", "abc").start("e", "");
          cluster.elect("a");
          Cluster.outcome(cluster.change("a", add("e")), 10);
          return fullGroup(cluster, () -> cluster.await("d is shut down", () -> !cluster.runs("d")));
        });
    row("{abc}: SET abcd, d is down", "ReconfigurationTimeoutException, leads a, members {abc}",
        "ratis/catch-up-timed-out", change("abc", "", set("abcd")));
  }

  /** A round of d is over when two have rejected it, and only a leader tells it to shut down: it hears a alone. */
  private static String fullGroup(Cluster cluster, Runnable waiting) throws Exception {
    Cluster.outcome(cluster.write("a"), 5);
    Wires.cut("d", "bce");
    cluster.start("d", "abcd");
    waiting.run();
    return "runs " + cluster.runs("d") + ", leads " + cluster.leaders();
  }

  private static void removals() {
    row("{abc}: SET ab; c afterwards", "accepted, c runs false", "ratis/removed-peers-shut-down", cluster -> {
      cluster.start("abc", "abc");
      cluster.elect("a");
      final String outcome = Cluster.outcome(cluster.change("a", set("ab")), 10);
      Cluster.pause(3_000);
      return outcome + ", c runs " + cluster.runs("c");
    });
    row("{abc}: SET bc asked of a, which leads", "accepted, a leads false", "membership/removed-leader-steps-down",
        cluster -> {
          cluster.start("abc", "abc");
          cluster.elect("a");
          final String outcome = Cluster.outcome(cluster.change("a", set("bc")), 10);
          Cluster.pause(1_500);
          return outcome + ", a leads " + cluster.leads("a");
        });
  }

  private static boolean isJoint(LogEntryProto entry) {
    return entry.hasConfigurationEntry() && entry.getConfigurationEntry().getOldPeersCount() > 0;
  }

  private static void joint() {
    row("{abc}{bcd} inherited uncommitted by b, all but a reached", "b leads, members {bcd}", "ratis/joint-inherited",
        cluster -> {
          cluster.start("abc", "abc").start("d", "");
          cluster.elect("a");
          inherit(cluster, "bcd", "c");
          cluster.await("b leads", () -> cluster.isReady("b"));
          Cluster.pause(1_500);
          return cluster.leaders() + " leads, members " + cluster.members("b");
        });
    row("{abcfg}{bcfde} inherited uncommitted by b; then bde and cfg do not reach each other",
        "b, in {abcfg}{bcdef}: write pending; of cfg one leads: write accepted",
        "b, in {bcdef}: write accepted; of cfg one leads: write accepted", "why/first-entry-keeps-joint",
        Table::startupEntry);
  }

  /** Lets a append a joint config that reaches b only, and die. */
  private static void inherit(Cluster cluster, String to, String old) throws Exception {
    Cluster.outcome(cluster.write("a"), 5);
    // What a says to b once it is joint arrives, and a never hears of it; nobody else gets it.
    Wires.ANSWER_IS_LOST.set(request -> request.getEntriesList().stream().anyMatch(Table::isJoint));
    Wires.cut("a", old);
    cluster.change("a", set(to));
    cluster.await("b has the joint config", () -> !cluster.division("b").getRaftConf().getPreviousPeers().isEmpty());
    Wires.candidates = "b";
    cluster.crash("a");
    Wires.ANSWER_IS_LOST.set(request -> false);
    Wires.join("a", old);
  }

  /**
   * A leader that inherits a joint config and begins with an entry of the new half alone decides with the new half; the old
   * half, which never heard of it, decides as well.
   */
  private static String startupEntry(Cluster cluster) throws Exception {
    cluster.start("abcfg", "abcfg").start("de", "");
    cluster.elect("a");
    // b will get the votes of c and f; what it says as a leader reaches d and e only.
    Wires.cut("de", "cfg");
    Wires.cut("b", "g");
    Wires.VOTES_ONLY.addAll(List.of("bc", "bf"));
    inherit(cluster, "bcfde", "cfg");
    cluster.await("b leads", () -> cluster.leads("b"));
    Wires.cut("b", "cf");
    // It takes no writes before its first entry is committed.
    for (int tries = 0; tries < 500 && !cluster.isReady("b"); tries++) {
      Cluster.pause(20);
    }
    final CompletableFuture<RaftClientReply> ofNew = cluster.write("b");
    Wires.candidates = "cfg";
    cluster.await("one of c, f, g leads", () -> cluster.isReady("c") || cluster.isReady("f") || cluster.isReady("g"));
    final String other = cluster.isReady("c") ? "c" : cluster.isReady("f") ? "f" : "g";
    final String old = Cluster.outcome(cluster.write(other), 10);
    final String outcome = Cluster.outcome(ofNew, 5);
    return "b, in " + cluster.members("b") + ": write " + outcome + "; of cfg one leads: write " + old;
  }
}
