from unihire.sync.rows_by_id import OwnSaves


def test_own_saves_make_no_row_of_a_later_stream_newer() -> None:
    own = OwnSaves()
    assert own.skip(100) == 100
    own.add(200, 100, has_newer=False)
    own.add(300, 100, has_newer=False)
    assert own.skip(100) == 300
    assert own.skip(400) == 400


def test_save_of_somebody_else_counts_for_every_row_that_was_requested_before_it() -> None:
    own = OwnSaves()
    own.add(200, 100, has_newer=False)
    own.add(300, 100, has_newer=True)  # somebody saved at 250
    assert own.skip(100) == 100
    assert own.skip(240) == 240
    assert own.skip(300) == 300


def test_save_of_somebody_else_before_a_later_request_counts_for_earlier_ones() -> None:
    own = OwnSaves()
    own.add(200, 100, has_newer=False)
    own.add(300, 260, has_newer=False)  # somebody may have saved at 250
    assert own.skip(100) == 100
    assert own.skip(260) == 300
