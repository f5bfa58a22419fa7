"""What rows.py says of figures, and compare.py of rounds."""
import copy
import unittest

import compare
import rows


def cell(in_flight, throughput, **more):
    return {"in_flight": in_flight, "throughput": throughput, "failures": 0, "start_p50": 200.0,
            "start_call_p50": 150.0, "answer_p50": 100.0, "answer_p99": 4000.0} | more


def contest():
    def entrant(name, cells, refusal=None):
        return {"name": name, "version": "1", "command": name, "refusal": refusal, "cells": cells}
    return {
        "version": "0.1.0", "level": "namespaces",
        "machine": {"processor": "CPU", "cores": 2, "memory_bytes": 24 << 30, "kernel": "Linux", "file_system": "ext4"},
        "entrants": [
            entrant("bare spawn", [cell(1, 2000, start_p50=100.0)]),
            entrant("ringfort", [cell(1, 500), cell(64, 900), cell(1000, 1000)]),
            entrant("ringfort none", [cell(1, 500)]),
            entrant("bubblewrap", [cell(64, 300)]),
            entrant("crun", [], "no cgroups"),
        ],
        "memory": [{"live": 0, "supervisor_pss": 1 << 20, "all_pss": 2 << 20},
                   {"live": 100, "supervisor_pss": 2 << 20, "all_pss": 22 << 20}],
        "memory_refusal": None,
    }


def figures():
    def run(process, none):
        return {"bare_per_second": 1000.0, "process": process, "process_per_second": process * 1000,
                "none": none, "none_per_second": none * 1000}
    lives = {"runs": [run(0.1, 0.1), run(0.35, 0.5)]}
    return {
        "load": "load 0", "namespaces": contest(), "landlock": None, "landlock_refusal": "no Landlock",
        "commands": {"commands": [{"p50_us": 6000.0}, {"p50_us": 10000.0}]},
        "batch": {"batch": 700.0, "library": 1000.0},
        "watchdogs": {"containers": 1000, "processor_percent": 2.0, "limit_mib": 256,
                      "hogs": [{"reason": "oom", "late_ms": 20.0, "peak_mib": 266.0},
                               {"reason": "oom", "late_ms": 60.0, "peak_mib": 286.0}]},
        "clones": {"file_system": "ext4", "ringfort": {"p50_ms": 90.0}, "cp": {"p50_ms": 100.0},
                   "cp-reflink": {"refusal": "Operation not supported"},
                   "overlay": {"ringfort_ms": 0.5, "by_hand_ms": 1.0}},
        "burst": {"burst": 5000, "ratio": 11.0, "beside_p99_ms": 22.0, "alone_p99_ms": 2.0, "failures": 0},
        "density": {"started": 10000, "asked": 1000, "answered": 1000, "answer_max_ms": 20.0, "first_error": ""},
        "messages": {"per_second": 40.0, "caf_per_second": 100.0},
    } | {f"lives_{level}_{kind}": lives | {"file_system": "ext4" if kind == "disk" else kind} for level in ("landlock", "namespaces") for kind in ("disk", "tmpfs")}


def verdicts(of):
    return {row.what: (row.verdict, row.figure) for row in rows.table(of)}


class Rows(unittest.TestCase):
    def test_the_last_run_counts(self):
        said = verdicts(figures())
        self.assertEqual(said["lives/s / bare, J=64, landlock, ext4, process"], ("met", "0.35 (350 / 1000 /s)"))
        self.assertEqual(said["lives/s / bare, J=64, landlock, ext4, none"], ("not met", "0.50 (500 / 1000 /s)"))

    def test_ratios_are_the_right_way_up(self):
        said = verdicts(figures())
        self.assertEqual(said["`ringfort run -- true` / `bwrap --unshare-all`, p50"], ("met", "0.60 (6.0 / 10.0 ms)"))
        self.assertEqual(said["batch from a Python host / library, lives/s, namespaces"], ("not met", "0.70 (700 / 1000 /s)"))
        self.assertEqual(said["lives/s / bubblewrap, same namespaces, J=64"], ("not met", "3.00 (900 / 300 /s)"))
        self.assertEqual(said["lives/s at J=1000 / best over all J, namespaces"], ("met", "1.00 (1000 / 1000 /s)"))
        self.assertEqual(said["from the call of start to the first instruction / bare, p50, J=1, namespaces"],
                         ("met", "1.50 (150 / 100 us)"))
        self.assertEqual(said["from the call of create to the first instruction / bare, p50, J=1, namespaces"],
                         ("met", "2.00 (200 / 100 us)"))
        self.assertEqual(said["questions through supervisor to container / CAF's own"], ("not met", "0.40 (40 / 100 /s)"))

    def test_memory_is_that_of_one_more_container(self):
        said = verdicts(figures())
        self.assertEqual(said["memory for an idle container, namespaces: supervisor, PSS"], ("met", "10.2 KiB"))
        self.assertEqual(said["memory for an idle container, namespaces: all of ringfort, PSS"],
                         ("not met", "204.8 KiB"))

    def test_the_slowest_kill_counts(self):
        said = verdicts(figures())
        self.assertEqual(said["kill after the limit, slowest: excess / growth rate"], ("not met", "60.0 ms"))

    def test_a_hog_that_was_not_killed_is_no_figure(self):
        wrong = figures()
        wrong["watchdogs"]["hogs"][0]["reason"] = "exited"
        self.assertEqual(verdicts(wrong)["kill after the limit"][0], "-")

    def test_what_was_not_measured_says_why(self):
        said = verdicts(figures())
        self.assertEqual(said["lives/s / crun, same namespaces, J=64"], ("-", "not measured: no cgroups"))
        self.assertEqual(said["lives/s / podman, same namespaces, J=64"], ("-", "not measured: not installed"))
        self.assertEqual(said["clone of 100 MB, 2,000 files / `cp --reflink`, ext4"],
                         ("-", "not measured: ext4 has no reflinks"))
        self.assertIn(("-", "not measured: no Landlock"), said.values())

    def test_failures_of_ours_count(self):
        failing = copy.deepcopy(figures())
        failing["namespaces"]["entrants"][2]["cells"][0]["failures"] = 3
        self.assertEqual(verdicts(failing)["failures, namespaces"], ("not met", "3"))

    def test_a_crowd_that_does_not_answer_is_not_met(self):
        said = verdicts(figures())
        self.assertEqual(said["live containers, landlock"], ("met", "10000"))
        self.assertEqual(said["state, stats and exec of 1000 of them: slowest answer"], ("met", "20.0 ms"))
        silent = figures()
        silent["density"] |= {"answered": 999, "first_error": "took a second"}
        self.assertEqual(verdicts(silent)["state, stats and exec of 1000 of them: slowest answer"],
                         ("not met", "999 answered: took a second"))

    def test_a_burst_and_an_overlay_have_their_rows(self):
        said = verdicts(figures())
        self.assertEqual(said["one caller beside a burst / alone, p99 of create and start, 5000 at once"],
                         ("not met", "11.00 (22.0 / 2.0 ms)"))
        self.assertEqual(said["clone of 100 MB, 2,000 files: overlay / one overlay mount"],
                         ("met", "0.50 (0.50 / 1.00 ms)"))

    def test_nothing_measured_is_still_a_table(self):
        empty = {name: None for name in figures()} | {"load": "load 0"} | {f"{name}_refusal": "no time was left" for name in figures()}
        table = rows.table(empty)
        self.assertTrue(all(row.verdict == "-" for row in table))
        self.assertIn("0 met, 0 not met", rows.text(empty, table))
        self.assertIn("| figure | goal | here | |", rows.markdown(empty, table))


class Compare(unittest.TestCase):
    def test_each_round_is_a_ratio(self):
        line = compare.ratio_line("none", [({"none": 100}, {"none": 110}), ({"none": 200}, {"none": 180}),
                                           ({"none": 100}, {"none": 120})])
        self.assertIn("ratio 1.100   from 0.900 to 1.200 in 3 rounds", line)

    def test_rates_are_read_from_words(self):
        text = "bare posix_spawn          2720 /s   p50 1 ms\ndurability process         919 /s   p50 2 ms\n"
        self.assertEqual(compare.RATE.findall(text), [("process", "919")])


if __name__ == "__main__":
    unittest.main()
