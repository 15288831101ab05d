"""Make the next frozen journals: ``python -m tests.golden.make_frozen``.

Run it when a command or an event is added, or gets a new version, and put what is new into the
scenario.  A file that exists is never written again: old journals stay as they were.  If the last
journal is of an earlier engine version, it is continued too: that one holds an upgrade.
"""

from __future__ import annotations

import sys
from pathlib import Path

from novate.default_management.liquidation_method.method import STANDARD as SLICES
from novate.engine.engine import Engine
from novate.engine.recover import recover
from novate.engine.version import ENGINE_VERSION, eras_of
from novate.kernel.clearing.requirement import STANDARD
from novate.kernel.codes import AccountStatus, Layer, MemberStatus, Role, ShortfallPolicy, Style
from novate.margin.add_on.concentration import Concentration
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from tests.golden.frozen import DATA, freeze, journals, number_of, thaw, write_sidecar
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, START, ClearingHouse

NOTE = "every event once at least: four days of a house with six contracts and three defaults"


def scenario() -> ClearingHouse:
    """Play every event of the engine at least once."""
    house = open_house()
    call_and_meet(house)
    cure(house)
    default_and_expire(house)
    delever(house)
    convert(house)
    go_stale(house)
    pay_options(house)
    change_terms(house)
    come_back(house)
    keep_two_books(house)
    pay_a_call(house)
    settle_outside(house)
    leap(house)
    end_by_decision(house)
    give_funding_back(house)
    doubt_sources(house)
    fall_silent(house)
    return house


def open_house() -> ClearingHouse:
    """Contracts, funds, accounts, orders, and a command that is refused."""
    house = ClearingHouse(
        assets=(("BTC", 8, 500),),
        default_fund=50 * COIN,
        parameters={
            Parameter.SLICE_FLOOR: 0,
            Parameter.SLICE_PPM: 500_000,
            Parameter.SLICE_INTERVAL_NS: HOUR,
            Parameter.INDEX_STALENESS_NS: 9 * HOUR,
        },
    )
    house.submit(command.SET_HAIRCUT.row(asset=1, haircut_bps=1_000))
    house.deposit("INSURANCE_FUND", 20 * COIN)
    house.deposit("SKIN_IN_THE_GAME", 5 * COIN)
    house.list_contract(
        "X", cycle_ns=2 * HOUR, funding_ns=8 * HOUR, funding_cap_e9=10**7, maker_fee_ppm=-20,
        taker_fee_ppm=50,
    )  # fmt: skip
    house.list_contract(
        "Y", form=2, style=int(Style.AT_CLOSE), settlement_asset=1, unit=10 * E8, cycle_ns=0,
        expiry_ns=START + DAY, settlement_window_ns=HOUR,
    )  # fmt: skip
    house.open_client("dealer", deposit=100_000 * COIN)
    house.deposit("dealer", 1_000 * E8, asset=1)
    house.open_client("client", deposit=1_000 * COIN)
    house.open_client(
        "called", deposit=1_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    house.price(100, last={0: 101, 1: 100})
    client, dealer = house.number("client"), house.number("dealer")
    house.submit(
        command.RESERVE_MARGIN.row(account=client, instrument=0, lots=50, limit_ticks=102),
        house.trade_run("client", "dealer", lots=40, ticks=101, buyer_reservation=1),
        command.RELEASE_MARGIN.row(reservation=1),
        command.WITHDRAW_COLLATERAL.row(account=dealer, asset=0, amount=1),
        command.SET_MARGIN_MODEL.row(group=client, model=STANDARD),
        command.SET_ADD_ON.row(group=client, add_on=Concentration.number, is_on=True),
        command.SET_LIQUIDATION_METHOD.row(account=client, method=SLICES),
    )
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=client, asset=0, amount=10**15),
        allow_refusals=True,
    )
    house.trade("called", "dealer", lots=90, ticks=100)
    return house


def answer_all(house: ClearingHouse) -> None:
    """Fill every open order at the price it was placed at."""
    orders = house.engine.state.defaults.orders
    for order in orders.number[orders.live()].tolist():
        row = orders.row_of(order)
        house.fill(order, abs(int(orders.quantity[row])), int(orders.reference[row]))


def call_and_meet(house: ClearingHouse) -> None:
    """A margin call that is met with a deposit."""
    house.price(98, at_ns=START + HOUR, last={0: 98})
    house.deposit("called", 500 * COIN)
    house.price(98, at_ns=START + HOUR + MINUTE)


def cure(house: ClearingHouse) -> None:
    """A liquidation that one slice ends, part of it filled late and part of it never."""
    house.open_client("slim", deposit=100 * COIN)
    house.trade("slim", "dealer", lots=10, ticks=98)
    house.open_client("buyer", deposit=100 * COIN)
    order = {"account": house.number("buyer"), "instrument": 0, "lots": 9, "limit_ticks": 98}
    house.submit(command.RESERVE_MARGIN.row(**order))
    house.price(92, at_ns=START + 2 * HOUR)  # 54 behind the mark, and 83 for the lots: asked back
    orders = house.events("OrderPlaced")
    house.fill(orders[-1]["order"], 2, 92)
    house.fill(orders[-1]["order"], 3, 92)
    house.price(93, at_ns=START + 2 * HOUR + 30 * MINUTE)
    house.deposit("called", 1_000 * COIN)


def default_and_expire(house: ClearingHouse) -> None:
    """A call that is not met, and the expiry of the inverse contract."""
    house.trade("client", "dealer", lots=20, ticks=93, instrument=1)
    house.trade("dealer", "client", lots=5, ticks=93, instrument=1)
    for hour, price in ((3, 80), (5, 79), (6, 79), (8, 79), (16, 79), (24, 79)):
        house.price(price, at_ns=START + hour * HOUR, last={0: price - 1})
        answer_all(house)


def delever(house: ClearingHouse) -> None:
    """A loss beyond the funds, taken by auto-deleveraging; then one by a gains haircut."""
    house.waterfall(Layer.AUTO_DELEVERAGING)
    for name, price in (("bankrupt", 55), ("ruined", 50)):
        at_ns = house.state.now_ns + HOUR
        house.price(80, at_ns=at_ns)
        house.open_client(name, deposit=400 * COIN)
        house.trade(name, "dealer", lots=40, ticks=80)
        house.price(price, at_ns=at_ns + MINUTE)
        answer_all(house)
        house.waterfall(Layer.GAINS_HAIRCUT)


def convert(house: ClearingHouse) -> None:
    """A debt in the numeraire that is paid from coins, and a takeover that leaves a surplus."""
    at_ns = house.state.now_ns + HOUR
    house.price(90, at_ns=at_ns)
    house.open_client("in coins")
    house.deposit("in coins", 10 * E8, asset=1)
    house.trade("dealer", "in coins", lots=60, ticks=90)
    house.price(97, at_ns=at_ns + MINUTE)
    house.price(98, at_ns=at_ns + 2 * HOUR)
    answer_all(house)
    house.open_client("thin", deposit=100 * COIN)
    house.trade("dealer", "thin", lots=10, ticks=98)
    house.price(107, at_ns=at_ns + 2 * HOUR + MINUTE)
    answer_all(house)
    for hour in range(3, 10):
        house.price(107, at_ns=at_ns + hour * HOUR)
        answer_all(house)


def go_stale(house: ClearingHouse) -> None:
    """No prices for twelve hours: what is due waits, the deadline of a call too."""
    house.submit(set_parameter(Parameter.CALL_GRACE_NS, 12 * HOUR - 3 * MINUTE))
    house.open_client(
        "waiting", deposit=300 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    house.trade("waiting", "dealer", lots=20, ticks=107)
    house.price(100)
    house.advance(house.state.now_ns + 12 * HOUR)
    house.assess()


def pay_options(house: ClearingHouse) -> None:
    """A call, a coin-settled digital put and two barriers, from a smile to their payoff."""
    expiry_ns = house.state.now_ns + HOUR
    call = house.list_option("C", expiry_ns=expiry_ns, settlement_window_ns=HOUR // 2)
    house.list_option(
        "P", kind=2, side=-1, expiry_ns=expiry_ns, settlement_asset=1, payout_ticks=5_000,
        strike_e8=101 * E8, margin_rule=2,
    )  # fmt: skip
    house.declare_rule(symbol="last half hour", expiry_window_ns=HOUR // 2, expiry_ppm=20_000)
    barrier = {"barrier_e8": 104 * E8, "expiry_ns": expiry_ns}
    house.list_option("UI", **barrier, barrier=1, monitoring=2, observation_ns=HOUR // 4)
    house.list_option("UO", **barrier, barrier=2, monitoring=1, rebate_ticks=100, margin_rule=3)
    house.open_client("writer", deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.8, expiry_ns, b_e9=1_000_000, rho_e9=-200_000_000)
    house.assess()
    for instrument in range(call, call + 4):
        ticks = int(house.state.marks.mark[instrument])
        house.trade("dealer", "writer", lots=2, ticks=ticks, instrument=instrument)
    house.price(102, at_ns=expiry_ns - HOUR // 3)
    house.price(105, at_ns=expiry_ns - HOUR // 6)
    house.smile(0.8, expiry_ns)
    house.price(102, at_ns=expiry_ns + MINUTE)


def change_terms(house: ClearingHouse) -> None:
    """Terms of contracts and subjects that change at once and at an instant."""
    at_ns, option = house.state.now_ns + HOUR, house.state.instruments.count - 1
    client = house.number("client")
    house.submit(
        command.SET_HAIRCUT_RULE.row(asset=1, rule=0),
        command.SET_INDEX_METHOD.row(asset=1, method=0),
    )
    for effective_ns in (0, at_ns):
        tiers = {
            "instrument": [0, 0],
            "floor": [0, 90_000 * COIN],
            "initial_ppm": [200_000, 200_000],
            "maintenance_ppm": [90_000, 100_000],
            "effective_ns": [effective_ns, effective_ns],
        }
        house.submit(
            set_parameter(Parameter.RELEASE_PPM, 1_300_000, Scope.ACCOUNT, client, effective_ns),
            command.REPLACE_TIERS.run(tiers),
            command.REPLACE_MARGIN_RULE.row(
                instrument=option, margin_rule=2, effective_ns=effective_ns
            ),
        )
    house.advance(at_ns)


def keep_two_books(house: ClearingHouse) -> None:
    """A holder with two accounts moves cash and lots between them; then its member defaults."""
    house.open_member("N")
    house.open_client("books", deposit=1_000 * COIN, member="N")
    books = house.number("books")
    house.submit(
        command.OPEN_SUB_ACCOUNT.row(
            reference="books-2", account=books, mode=1, group=-1, netting_set=-1
        )
    )
    pair = {"sender": books, "receiver": house.number("books-2")}
    house.price(102)
    house.trade("books", "dealer", lots=10, ticks=102)
    house.submit(
        command.TRANSFER_COLLATERAL.row(**pair, asset=0, amount=400 * COIN),
        command.TRANSFER_POSITION.row(**pair, instrument=0, lots=3),
        command.SET_MARGIN_GROUP.row(account=pair["receiver"], group=books, netting_set=books),
        command.SET_MEMBER_STATUS.row(member=house.number("N"), status=MemberStatus.DEFAULTED),
    )


def come_back(house: ClearingHouse) -> None:
    """Whoever was taken over pays what it owes, and is open again."""
    accounts = house.state.accounts
    taken = accounts.used("status") == AccountStatus.TAKEN_OVER
    group = int((taken & (accounts.used("margin_group") == range(accounts.count))).nonzero()[0][0])
    house.deposit(accounts.references[group], int(accounts.owed[group]) + COIN)
    house.submit(command.REOPEN_ACCOUNT.row(account=group))


def pay_a_call(house: ClearingHouse) -> None:
    """A call of which all but a unit is paid, and what a worse price made missing besides."""
    house.submit(set_parameter(Parameter.CALL_GRACE_NS, HOUR))
    house.open_client(
        "paying", deposit=460 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    house.trade("paying", "dealer", lots=20, ticks=102)
    for price in (98, 96):
        house.price(price, at_ns=house.state.now_ns + MINUTE)
    own, called = house.number("paying"), house.events("MarginCalled")
    amounts = [row["amount"] for row in called if row["account"] == own]
    house.deposit("paying", sum(amounts) - 1)
    house.advance(house.state.now_ns + HOUR)


def settle_outside(house: ClearingHouse) -> None:
    """A loss that nobody bears is shared, and the external market takes a part of its gain."""
    house.price(102)
    house.open_client("reckless", deposit=25_000 * COIN)
    house.trade("reckless", "EXTERNAL_MARKET", lots=1_000, ticks=102)
    house.price(40, at_ns=house.state.now_ns + MINUTE)
    house.price(40, at_ns=house.state.now_ns + HOUR)
    house.submit(command.SETTLE_EXTERNAL_MARKET.row(asset=0, amount=-COIN))


def leap(house: ClearingHouse) -> None:
    """An index that leaps, is confirmed by its one source, and is met by a ramp."""
    for parameter, value in (
        (Parameter.JUMP_PPM, 200_000),
        (Parameter.JUMP_QUORUM, 1),
        (Parameter.RAMP_PPM, 100_000),
    ):
        house.submit(set_parameter(parameter, value))
    begin = house.state.now_ns
    for minute in (1, 2, 3, 10, 30):
        house.price(130, at_ns=begin + minute * MINUTE)


def end_by_decision(house: ClearingHouse) -> None:
    """A contract that is suspended, resumed, delisted, and settled by two without an index."""
    house.submit(
        command.SUSPEND_CONTRACT.row(instrument=0), command.RESUME_CONTRACT.row(instrument=0)
    )
    now_ns = house.state.now_ns
    terms = {"suspend_ns": now_ns + HOUR, "expiry_ns": now_ns + 2 * DAY}
    house.submit(command.DELIST_CONTRACT.row(instrument=0, settlement_window_ns=HOUR, **terms))
    house.price(None, at_ns=now_ns + 10 * HOUR)
    price = {"instrument": 0, "price_e8": 130 * E8}
    house.submit(
        command.PROPOSE_SETTLEMENT.row(**price, proposer="one"),
        command.APPROVE_SETTLEMENT.row(**price, approver="other"),
    )


def give_funding_back(house: ClearingHouse) -> None:
    """A payer of funding has no more than a return to the index costs: the index fell."""
    contract = house.list_contract(
        "Z", tiers=((0, 20_000, 10_000),), cycle_ns=0, funding_ns=8 * HOUR, funding_cap_e9=10**7,
        basis_clamp_ppm=100_000,
    )  # fmt: skip
    house.price(130, last={contract: 137})
    house.open_client("drained", deposit=837 * COIN)
    house.trade("drained", "dealer", lots=100, ticks=137, instrument=contract)
    house.price(129, last={contract: 137})
    house.advance(int(house.state.instruments.next_funding_ns[contract]))


def doubt_sources(house: ClearingHouse) -> None:
    """A source of the coin gives two prices for one instant, and is retired."""
    sources = house.state.sources
    price_e8, seen = int(sources.price_e8[0]), int(sources.observed_ns[0])
    house.submit(
        command.REPORT_PRICE.row(source=0, price_e8=price_e8 + 1, observed_ns=seen),
        command.SET_SOURCE_WEIGHT.row(source=0, weight=0),
    )


def fall_silent(house: ClearingHouse) -> None:
    """No source counts for two days: the house pauses, and the pause is over by its length.

    What a source quotes in may be said again at any time.
    """
    house.submit(command.SET_SOURCE_QUOTE.row(source=0, quote=0, is_inverted=False))
    for _ in range(2):
        house.price(None, at_ns=house.state.now_ns + DAY)


def play() -> Engine:
    """The scenario, and a batch of a named source: its key is part of the record."""
    engine = scenario().engine
    engine.submit(
        [command.ADVANCE_TIME.row(instant_ns=engine.state.now_ns + 1)],
        source="gateway",
        source_sequence=1,
    )
    return engine


def go_on(path: Path) -> Engine:
    """A frozen journal, continued for an hour: a deposit, a price, an assessment."""
    engine = recover(thaw(path)[0])
    x = engine.state
    instant_ns = x.now_ns + HOUR
    price_e8 = int(x.assets.price_e8[1])
    engine.submit(
        [
            command.POST_COLLATERAL.row(
                account=x.single(Role.INSURANCE_FUND), asset=0, amount=COIN
            ),
            command.ADVANCE_TIME.row(instant_ns=instant_ns),
            command.REPORT_PRICE.row(source=0, price_e8=price_e8, observed_ns=instant_ns),
            command.ASSESS_MARGIN.row(instant_ns=instant_ns),
        ]
    )
    return engine


def is_earlier(path: Path) -> bool:
    """Whether an earlier engine version decided the last record of a frozen journal."""
    return eras_of(thaw(path)[0])[-1].engine_version < ENGINE_VERSION


def main(arguments: list[str]) -> int:
    """Write the next journals of a folder with their sidecars; the result is the exit status."""
    folder = Path(arguments[0]) if arguments else DATA
    before = journals(folder)
    made = [(play(), NOTE)]
    if before and is_earlier(before[-1]):
        made.append((go_on(before[-1]), f"{before[-1].stem}, continued by a later engine version"))
    number = number_of(before[-1]) if before else 0
    for engine, note in made:
        number += 1
        path = folder / f"frozen-{number}.json"
        with path.open("x") as file:
            file.write(freeze(engine, note))
        write_sidecar(path)
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
