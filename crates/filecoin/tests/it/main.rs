//! Tests of the crate's public surface, most of them on recordings of real networks.

#[cfg(test)]
mod car_hostile;
#[cfg(test)]
mod car_real;
#[cfg(test)]
mod fuzz_bounded;
#[cfg(test)]
mod fuzz_entries;
#[cfg(test)]
mod rpc_client;
#[cfg(test)]
mod rpc_double;
#[cfg(test)]
mod rpc_recording;
#[cfg(test)]
mod rpc_source;
#[cfg(test)]
mod types_chain;
#[cfg(test)]
mod types_json;
