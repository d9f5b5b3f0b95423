// SPDX-License-Identifier: Apache-2.0
//! Columns against the online executor.
