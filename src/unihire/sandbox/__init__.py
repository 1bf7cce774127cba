"""The sandbox: vendors' APIs on this machine, from made-up data, with faults on request."""
