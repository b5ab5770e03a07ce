"""The one room that touches the network: archives fetched, verified and unpacked."""
